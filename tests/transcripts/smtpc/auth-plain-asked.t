# without initial response
config auth plain-asked
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH PLAIN
C: AUTH PLAIN
S: 334 
C: AGpvZQBzZWNyZXQ=
S: 235 welcome
ready 1
