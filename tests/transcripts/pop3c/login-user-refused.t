# each refusal asks again; the owner has three attempts
S: +OK hello
C: CAPA
S: +OK
S: USER
S: .
C: USER joe
S: -ERR never heard of joe
login-failed refused 0 never heard of joe
C: USER joe
S: +OK
C: PASS se cret
S: -ERR [AUTH] wrong
login-failed refused 5 wrong
C: USER joe
S: +OK
C: PASS se cret
S: -ERR [IN-USE] locked
login-failed refused 1 locked
C: QUIT
S: +OK
closed:
logins 4
