ask list
S: +OK hello
C: CAPA
S: +OK
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: LIST
S: +OK
S: 1 5
S: 2 6
server-closes
row 1 5
row 2 6
done list 0 broken 2 0 0 0 the server closed the connection
closed:
