# what the owner does not want is not used
config ignore 17
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-PIPELINING
S: 250-CHUNKING
S: 250 SIZE 100
offers 2 100 0 0
C: MAIL FROM:<a@a.example> SIZE=3
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 250 ok
C: DATA
S: 354 go
C: x
C: .
S: 250 ok
result 0 delivered end of message 250 2.0.0 ok
