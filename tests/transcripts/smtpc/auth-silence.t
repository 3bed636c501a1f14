config auth plain
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH PLAIN
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
time: +300s
closed:
close deferred AUTH 0 4.4.2 the server did not answer in time
