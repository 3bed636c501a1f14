# AUTH LOGIN, two challenges
S: +OK dewey POP3 server ready
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: bXJvc2U=
S: + UGFzc3dvcmQ6
C: c2VjcmV0
S: +OK maildrop has 0 messages (0 octets)
