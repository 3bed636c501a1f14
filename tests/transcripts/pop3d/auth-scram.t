# Data that goes with success is one more challenge, answered with an empty line (RFC 5034 4)
S: +OK dewey POP3 server ready
C: AUTH SCRAM-SHA-256 Zmlyc3Q=
S: + c2Vjb25k
C: dGhpcmQ=
S: + ZmluYWw=
C: 
S: +OK maildrop has 0 messages (0 octets)
user: mrose
