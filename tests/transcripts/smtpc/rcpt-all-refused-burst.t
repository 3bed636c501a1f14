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
S: 550 5.1.1 who?
S: 554 5.5.1 nobody
result 0 failed RCPT 550 5.1.1 who?
no-result
done 1
send a@a.example ann@b.example
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
S: 250 ok
result 0 delivered end of message 250 2.0.0 ok
