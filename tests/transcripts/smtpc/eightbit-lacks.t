send a@a.example joe@b.example 8bit
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 SMTPUTF8
refused 5.6.3 the server takes no 8-bit message
send a@a.example ann@b.example
C: MAIL FROM:<a@a.example>
