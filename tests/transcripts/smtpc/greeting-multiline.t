# a greeting of several lines
send a@a.example joe@b.example
content x
S: 220-b.example ESMTP
S: 220-no spam
S: 220 please
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
