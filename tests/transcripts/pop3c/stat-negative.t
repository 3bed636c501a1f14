ask stat
S: +OK hello
C: CAPA
S: +OK
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: STAT
S: +OK -1 5
done stat 0 broken 0 0 0 0 the server does not speak POP3
closed:
