# the chunk is on its way: its reply is waited for
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
S: 550 5.7.1 no
S: 503 5.5.1 no
done 0
S: 503 5.5.1 no
result 0 failed MAIL 550 5.7.1 no
no-result
done 1
