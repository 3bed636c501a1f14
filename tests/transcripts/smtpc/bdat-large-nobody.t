# no megabytes for nobody
config piece 65536
send a@a.example one@b.example
content-fill 700 01234567890123456789012345678901234567890123456789012345678901
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-PIPELINING
S: 250 CHUNKING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<one@b.example>
S: 250 ok
S: 550 5.1.1 no
result 0 failed RCPT 550 5.1.1 no
done 1
