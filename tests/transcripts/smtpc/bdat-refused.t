# the transaction of a BDAT that failed needs RSET (RFC 3030 2)
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-CHUNKING
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: BDAT 3 LAST
C: x
S: 250 ok
S: 250 ok
S: 554 5.6.0 no
result 0 failed end of message 554 5.6.0 no
done 1
send a@a.example ann@b.example
C: RSET
C: MAIL FROM:<a@a.example>
C: RCPT TO:<ann@b.example>
C: BDAT 3 LAST
C: x
S: 250 ok
S: 250 ok
S: 250 ok
S: 250 2.0.0 ok
result 0 delivered end of message 250 2.0.0 ok
