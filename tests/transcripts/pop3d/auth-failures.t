# After so many failed logins the connection closes
config failures 3
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS a
S: -ERR [AUTH] invalid user name or password
C: AUTH PLAIN AG1yb3NlAGI=
S: -ERR [AUTH] invalid user name or password
C: USER mrose
S: +OK send PASS
C: PASS c
S: -ERR [AUTH] invalid user name or password
closed:
