# one response too many: the next would be out of step
ask noop
S: +OK hello
C: CAPA
S: +OK
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: NOOP
S: +OK
S: +OK
done noop 0 ok 0 0 0 0 
closed:
close broken 0 the server does not speak POP3
