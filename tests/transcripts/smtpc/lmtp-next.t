config lmtp
send a@a.example joe@b.example
content x
S: 220 b.example LMTP
C: LHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: DATA
S: 250 ok
S: 250 ok
S: 354 go
C: x
C: .
S: 550 5.2.1 off
result 0 failed end of message 550 5.2.1 off
send a@a.example ann@b.example
C: MAIL FROM:<a@a.example>
C: RCPT TO:<ann@b.example>
C: DATA
