send a@a.example joe@b.example
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-CHUNKING
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: BDAT 0 LAST
S: 250 ok
S: 250 ok
S: 250 ok
result 0 delivered end of message 250 2.0.0 ok
