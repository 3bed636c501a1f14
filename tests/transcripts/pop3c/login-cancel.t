config login cancel
S: +OK hello
C: CAPA
S: +OK
S: SASL LOGIN
S: .
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: *
S: -ERR cancelled
logins 2
C: AUTH LOGIN
