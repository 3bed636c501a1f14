# more rows than allowed
config rows-max 3
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
S: x
S: 2 5
S: 3 5
row 1 5
row 2 5
done list 0 broken 2 0 1 0 the server does not speak POP3
closed:
