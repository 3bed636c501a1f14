# the connection ends behind the end of a message: that one is in doubt, of the next nothing was sent
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: DATA
follow a@a.example ann@b.example
S: 250 ok
S: 250 ok
S: 354 go
C: x
C: .
C: MAIL FROM:<a@a.example>
C: RCPT TO:<ann@b.example>
C: DATA
server-closes
result 0 unknown end of message 0 4.4.2 the server closed the connection
result 0 deferred between messages 0 4.4.2 the server closed the connection
done 2
closed:
