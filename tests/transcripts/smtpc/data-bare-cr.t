config piece 1
send a@a.example joe@b.example
content x
content-bare CR x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 250 ok
C: DATA
S: 354 go
result 0 failed message 0 5.6.0 bare CR or LF in the message
closed:
