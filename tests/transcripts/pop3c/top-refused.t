# a server without TOP
ask top 3 0
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
C: TOP 3 0
S: -ERR what
done top 3 refused 0 0 0 0 what
C: NOOP
