# one burst, mixed replies: each recipient has its own
send a@a.example one@b.example,two@b.example,three@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<one@b.example>
C: RCPT TO:<two@b.example>
C: RCPT TO:<three@b.example>
C: DATA
S: 250 ok
S: 250 ok
S: 550 5.1.1 no such user
S: 450-4.2.0 come back
S: 450 4.2.0 later
S: 354 go
C: x
C: .
S: 250 2.0.0 queued
result 1 failed RCPT 550 5.1.1 no such user
result 2 deferred RCPT 450 4.2.0 come back later
result 0 delivered end of message 250 2.0.0 queued
done 1
