# dots at the start of lines, in pieces of one octet
config piece 1
send a@a.example joe@b.example
content .
content ..
content .x.
content x
content 
content .
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 250 ok
C: DATA
S: 354 go
C: ..
C: ...
C: ..x.
C: x
C: 
C: ..
C: .
S: 250 ok
result 0 delivered end of message 250 2.0.0 ok
