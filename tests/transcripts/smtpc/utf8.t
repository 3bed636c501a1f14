send a@a.example jösé@b.example 8bit utf8
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-8BITMIME
S: 250 SMTPUTF8
C: MAIL FROM:<a@a.example> BODY=8BITMIME SMTPUTF8
S: 250 ok
C: RCPT TO:<jösé@b.example>
