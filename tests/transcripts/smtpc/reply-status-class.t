# a status of another class than the code's is text
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 550 2.1.0 hm
result 0 failed MAIL 550 5.0.0 2.1.0 hm
