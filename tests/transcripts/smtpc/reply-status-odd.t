# what only begins like a status
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 550 5.1.1234 hm
result 0 failed MAIL 550 5.0.0 5.1.1234 hm
