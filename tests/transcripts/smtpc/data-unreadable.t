# the store has lost the message: no end of data is sent
unreadable
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
result 0 deferred message 0 4.3.0 the message could not be sent
closed:
