# only 354 asks for the message (RFC 5321 3.3)
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 250 ok
C: DATA
S: 355 go
result 0 deferred DATA 0 4.5.0 the server does not speak SMTP
closed:
