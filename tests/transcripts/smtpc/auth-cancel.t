# "*" ends an exchange, and the server refuses it
config auth cancel
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH PLAIN
C: AUTH PLAIN
S: 334 
C: *
S: 501 5.7.0 cancelled
auths 2
C: AUTH PLAIN
