# the server speaks although nothing was asked
S: +OK hello
C: CAPA
S: +OK
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
S: -ERR autologout
closed:
close broken 0 the server does not speak POP3
