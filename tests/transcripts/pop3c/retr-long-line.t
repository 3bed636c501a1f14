# lines of any length
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
fill: 30000 0123456789
S: 
S: .
done retr 1 ok 0 300002 0 0 
