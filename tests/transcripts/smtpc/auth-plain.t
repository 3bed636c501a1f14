config tls-active
config auth plain
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH LOGIN PLAIN
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
S: 235 2.7.0 welcome
auths 1
C: MAIL FROM:<a@a.example>
