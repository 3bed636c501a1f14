send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: DATA
S: 250 ok
server-closes
result 0 deferred RCPT 0 4.4.2 the server closed the connection
done 1
closed:
