# ten minutes (RFC 5321 4.5.3.2.6)
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
S: 354 go
C: x
C: .
time: +599s
time: +1s
result 0 unknown end of message 0 4.4.2 the server did not answer in time
closed:
