# two minutes for 354 (RFC 5321 4.5.3.2.4)
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 250 ok
C: DATA
time: +119s
time: +1s
result 0 deferred DATA 0 4.4.2 the server did not answer in time
closed:
