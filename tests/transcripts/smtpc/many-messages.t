# one session, three messages
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-PIPELINING
S: 250 CHUNKING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: BDAT 3 LAST
C: x
S: 250 ok
S: 250 ok
S: 250 one
result 0 delivered end of message 250 2.0.0 one
send a@a.example ann@b.example
C: MAIL FROM:<a@a.example>
C: RCPT TO:<ann@b.example>
C: BDAT 3 LAST
C: x
S: 250 ok
S: 250 ok
S: 451 4.3.0 two
result 0 deferred end of message 451 4.3.0 two
send a@a.example ann@b.example
C: RSET
C: MAIL FROM:<a@a.example>
C: RCPT TO:<ann@b.example>
C: BDAT 3 LAST
C: x
S: 250 ok
S: 250 ok
S: 250 ok
S: 250 three
result 0 delivered end of message 250 2.0.0 three
done 3
ready 4
