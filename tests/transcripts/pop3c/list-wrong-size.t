# the size in LIST is a promise nobody keeps: the message ends where it ends
ask list
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
C: LIST
S: +OK
S: 1 5
S: .
row 1 5
done list 0 ok 1 0 0 0 
C: RETR 1
S: +OK 1 octets
S: 0123456789
S: .
body: 0123456789
done retr 1 ok 0 12 0 0 1 octets
