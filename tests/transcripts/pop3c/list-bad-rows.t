# rows that are none are counted and left out
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
S: x 5
S: 2
S: 0 7
S: -1 7
S: 3 -7
S: 
S: 4 99999999999999999999
S: 5 4294967400
S: .
row 1 5
row 5 4294967400
done list 0 ok 2 0 7 0 
nothing
