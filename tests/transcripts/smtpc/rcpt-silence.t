send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: DATA
time: +299s
S: 250 ok
time: +300s
result 0 deferred RCPT 0 4.4.2 the server did not answer in time
closed:
