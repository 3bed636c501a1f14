# a message without octets
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
S: .
done retr 1 ok 0 0 0 0 
end-of-body:
