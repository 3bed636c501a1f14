# a chunk in the middle
config piece 65536
send a@a.example joe@b.example
content x
no-content
content-fill 16385 01234567890123456789012345678901234567890123456789012345678901
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 CHUNKING
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 250 ok
C: BDAT 1048576
C*: 16384 01234567890123456789012345678901234567890123456789012345678901
S: 552 5.2.3 too big
result 0 failed message 552 5.2.3 too big
done 1
closed:
