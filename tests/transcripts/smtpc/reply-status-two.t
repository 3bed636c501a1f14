# the first status counts, another one is text
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 550-5.1.8 no
S: 550 5.7.1 never
result 0 failed MAIL 550 5.1.8 no 5.7.1 never
