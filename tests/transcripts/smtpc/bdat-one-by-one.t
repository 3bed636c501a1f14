# CHUNKING without PIPELINING
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 CHUNKING
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 250 ok
C: BDAT 3 LAST
C: x
S: 250 ok
result 0 delivered end of message 250 2.0.0 ok
