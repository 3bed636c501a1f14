# mechanisms from before TLS are forgotten, those of several lines are put together
config auth plain
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-AUTH CRAM-MD5
S: 250 STARTTLS
C: STARTTLS
S: 220 go
tls: started
C: EHLO c.example
S: 250-b.example
S: 250-AUTH PLAIN LOGIN
S: 250 AUTH=PLAIN
mechanisms PLAIN LOGIN PLAIN
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
