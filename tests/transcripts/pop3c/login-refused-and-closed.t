# the refusal came first
config login quit
S: +OK
C: CAPA
S: -ERR
C: QUIT
server-closes
done quit 0 broken 0 0 0 0 the server closed the connection
closed:
close broken 0 the server closed the connection
