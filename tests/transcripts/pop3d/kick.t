# the administrator ends the session
S: +OK dewey POP3 server ready
C: AUTH LOGIN
S: + VXNlcm5hbWU6
kick
time: +0s
S: -ERR [SYS/TEMP] the administrator ended this session
closed:
