# ".CR" and then something else is no end
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
hex: 2e 0d 78 0d 0a
hex: 2e 0d 0d 0a
S: .
hex: 
done retr 1 ok 0 7 0 0 
