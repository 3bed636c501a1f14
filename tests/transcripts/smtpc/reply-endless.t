# an endless reply to RCPT, in a burst
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
repeat: 501 550-no
result 0 deferred RCPT 0 4.5.0 the server does not speak SMTP
closed:
