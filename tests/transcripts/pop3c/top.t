ask top 3 10
S: +OK hello
C: CAPA
S: +OK
S: TOP
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: TOP 3 10
S: +OK
S: Subject: x
S: .
body: Subject: x
done top 3 ok 0 12 0 0 
