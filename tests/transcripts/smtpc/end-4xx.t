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
S: 451 4.7.1 greylisted
result 0 deferred end of message 451 4.7.1 greylisted
done 1
send a@a.example ann@b.example
C: MAIL FROM:<a@a.example>
C: RCPT TO:<ann@b.example>
C: DATA
