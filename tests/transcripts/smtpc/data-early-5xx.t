# the server answers before the message has ended: the answer counts, the session is over
hold
send a@a.example joe@b.example
content x
content y
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 250 ok
C: DATA
S: 354 go
S: 552 5.3.4 too big
give
result 0 failed message 552 5.3.4 too big
done 1
closed:
close failed message 552 5.3.4 too big
