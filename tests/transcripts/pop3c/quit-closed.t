# deleted, or not: nobody knows
ask dele 1
ask quit
S: +OK hello
C: CAPA
S: +OK
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: DELE 1
S: +OK
done dele 1 ok 0 0 0 0 
C: QUIT
server-closes
done quit 0 broken 0 0 0 0 the server closed the connection
closed:
