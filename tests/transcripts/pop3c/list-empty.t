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
S: .
done list 0 ok 0 0 0 0 
