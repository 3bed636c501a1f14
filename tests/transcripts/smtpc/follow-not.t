# nothing follows a chunk, which may leave its transaction open (RFC 3030 2)
no-follow a@a.example ann@b.example
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
no-follow a@a.example ann@b.example
S: 250 ok
S: 250 ok
S: 250 one
result 0 delivered end of message 250 2.0.0 one
done 1
ready 2
no-follow a@a.example ann@b.example
