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
S: 354 go
C: x
C: .
S: 421 4.3.0 no
result 0 deferred end of message 421 4.3.0 no
closed:
