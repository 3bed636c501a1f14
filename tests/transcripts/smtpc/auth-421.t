config auth plain
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH PLAIN
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
S: 421 4.7.0 too many
closed:
close deferred AUTH 421 4.7.0 too many
