# the message before never gets to its end: the next one begins when that is known
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
S: 451 4.3.0 no room
result 0 deferred DATA 451 4.3.0 no room
done 1
C: RSET
C: MAIL FROM:<a@a.example>
C: RCPT TO:<ann@b.example>
C: DATA
S: 250 ok
S: 250 ok
S: 250 ok
S: 354 go
C: x
C: .
S: 250 two
result 0 delivered end of message 250 2.0.0 two
done 2
ready 2
