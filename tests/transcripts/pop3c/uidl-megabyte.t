# a unique-id of a megabyte is one bad row (CVE-2005-2335)
ask uidl
S: +OK hello
C: CAPA
S: +OK
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: UIDL
S: +OK
hex: 31 20
fill: 100000 0123456789
S: 
S: 2 b
S: .
row 2 b
done uidl 0 ok 1 0 1 0 
