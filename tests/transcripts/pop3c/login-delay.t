S: +OK hello
C: CAPA
S: +OK
S: USER
S: .
C: USER joe
S: +OK
C: PASS se cret
S: -ERR [LOGIN-DELAY] too soon
login-failed refused 2 too soon
C: USER joe
