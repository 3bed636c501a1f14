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
S: 550 5.1.1 no
S: 354 go
result 0 failed RCPT 550 5.1.1 no
closed:
