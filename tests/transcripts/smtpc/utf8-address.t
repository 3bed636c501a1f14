# the address alone asks for it
send ä@a.example joe@b.example
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-8BITMIME
S: 250 SMTPUTF8
C: MAIL FROM:<ä@a.example> SMTPUTF8
