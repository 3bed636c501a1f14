# CRLF and "." without its CRLF: not whole
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
S: x
hex: 2e
server-closes
done retr 1 broken 0 3 0 0 the server closed the connection
closed:
