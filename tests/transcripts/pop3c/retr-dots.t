ask retr 1
S: +OK hello
C: CAPA
S: +OK
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: RETR 1
S: +OK
S: ..
S: ..x
S: x.
S: ...
S: 
S: .
body: .
body: .x
body: x.
body: ..
body: 
end-of-body:
done retr 1 ok 0 17 0 0 
