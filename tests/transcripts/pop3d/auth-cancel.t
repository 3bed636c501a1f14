# "*" cancels, and USER and PASS still work
S: +OK dewey POP3 server ready
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: *
S: -ERR authentication cancelled
cancelled: 1
C: AUTH SCRAM-SHA-256
S: + 
C: Zmlyc3Q=
S: + c2Vjb25k
C: *
S: -ERR authentication cancelled
cancelled: 2
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 0 messages (0 octets)
