# a message without octets
send a@a.example joe@b.example
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 250 ok
C: DATA
S: 354 go
C: .
S: 250 ok
result 0 delivered end of message 250 2.0.0 ok
