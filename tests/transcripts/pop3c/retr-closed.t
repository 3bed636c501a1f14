# cut in the middle: what came was told, and that it is not whole
ask retr 1
ask dele 1
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
S: half
server-closes
body: half
done retr 1 broken 0 6 0 0 the server closed the connection
done dele 1 broken 0 0 0 0 the server closed the connection
closed:
