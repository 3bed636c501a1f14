# LMTP: each recipient that was accepted has its reply before those to the next envelope
config lmtp
send a@a.example joe@b.example,eve@b.example
content x
S: 220 b.example LMTP
C: LHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: RCPT TO:<eve@b.example>
C: DATA
follow a@a.example ann@b.example
S: 250 ok
S: 250 ok
S: 250 ok
S: 354 go
C: x
C: .
C: MAIL FROM:<a@a.example>
C: RCPT TO:<ann@b.example>
C: DATA
S: 250 joe
S: 452 4.2.2 eve is full
result 0 delivered end of message 250 2.0.0 joe
result 1 deferred end of message 452 4.2.2 eve is full
done 1
S: 250 ok
S: 250 ok
S: 354 go
C: x
C: .
S: 250 ann
result 0 delivered end of message 250 2.0.0 ann
done 2
ready 2
