# a reply before the chunk is through
config piece 2
hold
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
S: 452 4.3.1 full
give
result 0 deferred message 452 4.3.1 full
closed:
