S: +OK hello
C: CAPA
S: +OK
S: USER
S: .
C: USER joe
S: +OK
C: PASS se cret
server-closes
closed:
close broken 0 the server closed the connection
