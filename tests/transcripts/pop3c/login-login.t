config login login
S: +OK hello
C: CAPA
S: +OK
S: SASL LOGIN
S: .
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: am9l
S: + UGFzc3dvcmQ6
C: c2VjcmV0
S: -ERR [SYS/PERM] off
login-failed refused 4 off
C: AUTH LOGIN
