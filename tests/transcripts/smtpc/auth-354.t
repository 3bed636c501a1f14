config auth plain
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH PLAIN
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
S: 354 go
closed:
close deferred AUTH 0 4.5.0 the server does not speak SMTP
