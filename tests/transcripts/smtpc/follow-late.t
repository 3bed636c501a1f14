# it may also be named when the message before is sent already
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: DATA
S: 250 ok
S: 250 ok
S: 354 go
C: x
C: .
follow a@a.example ann@b.example
C: MAIL FROM:<a@a.example>
C: RCPT TO:<ann@b.example>
C: DATA
S: 451 4.7.1 greylisted
S: 250 ok
S: 250 ok
S: 354 go
result 0 deferred end of message 451 4.7.1 greylisted
C: x
C: .
S: 250 two
result 0 delivered end of message 250 2.0.0 two
done 2
ready 2
