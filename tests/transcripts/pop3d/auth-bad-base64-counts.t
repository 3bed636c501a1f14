# A broken exchange is an error of the budget
S: +OK dewey POP3 server ready
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: ?
S: -ERR response is not base64
C: AUTH PLAIN ?
S: -ERR initial response is not base64
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: ?
S: -ERR response is not base64
closed:
