send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 354 go
result 0 deferred MAIL 0 4.5.0 the server does not speak SMTP
closed:
