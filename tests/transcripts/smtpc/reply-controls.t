# what a reply holds is shown as printable ASCII
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
hex: 35 35 30 20 61 1b 5b 32 4a 00 0d 62 c3 bc 25 6e 0d 0a
result 0 failed MAIL 550 5.0.0 a?[2J??b??%n
