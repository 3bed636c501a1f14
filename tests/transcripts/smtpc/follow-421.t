# the server takes the message and then ends the session
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
S: 250 one
result 0 delivered end of message 250 2.0.0 one
S: 421 4.3.2 enough for today
result 0 deferred MAIL 421 4.3.2 enough for today
done 2
closed:
