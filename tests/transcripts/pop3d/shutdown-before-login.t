# Before login too, inside an exchange as well
S: +OK dewey POP3 server ready
C: AUTH LOGIN
S: + VXNlcm5hbWU6
shutdown
time: +0s
S: -ERR [SYS/TEMP] server is shutting down
closed:
