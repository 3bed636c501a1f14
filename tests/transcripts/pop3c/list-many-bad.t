# twenty thousand rows that are none
ask list
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
C: LIST
S: +OK
repeat: 20000 x
S: .
done list 0 ok 0 0 20000 0 
C: NOOP
