config auth skip
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH PLAIN
auths 1
C: MAIL FROM:<a@a.example>
