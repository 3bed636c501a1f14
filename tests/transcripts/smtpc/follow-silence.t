# a server that loses what was sent behind the end of a message
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
time: +300s
result 0 deferred MAIL 0 4.4.2 the server did not answer in time
done 2
closed:
