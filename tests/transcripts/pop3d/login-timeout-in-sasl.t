# The whole time before login goes on inside an exchange
S: +OK dewey POP3 server ready
C: AUTH LOGIN
S: + VXNlcm5hbWU6
time: +180s
closed:
