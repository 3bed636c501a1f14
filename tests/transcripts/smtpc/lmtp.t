# one reply for each recipient who was accepted (RFC 2033 4.2)
config lmtp
send a@a.example one@b.example,two@b.example,three@b.example
content x
S: 220 b.example LMTP
C: LHLO c.example
S: 250-b.example
S: 250-CHUNKING
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<one@b.example>
C: RCPT TO:<two@b.example>
C: RCPT TO:<three@b.example>
C: DATA
S: 250 ok
S: 250 ok
S: 550 5.1.1 no
S: 250 ok
S: 354 go
C: x
C: .
result 1 failed RCPT 550 5.1.1 no
S: 250 2.0.0 one has it
result 0 delivered end of message 250 2.0.0 one has it
done 0
S: 452 4.2.2 three is full
result 2 deferred end of message 452 4.2.2 three is full
done 1
