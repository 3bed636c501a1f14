# the envelope of the next message goes with the end of this one (RFC 2920 3.1)
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: DATA
follow - ann@b.example,eve@b.example
no-follow a@a.example joe@b.example
S: 250 ok
S: 250 ok
S: 354 go
C: x
C: .
C: MAIL FROM:<>
C: RCPT TO:<ann@b.example>
C: RCPT TO:<eve@b.example>
C: DATA
S: 250 one
result 0 delivered end of message 250 2.0.0 one
done 1
S: 250 ok
S: 550 5.1.1 no eve
S: 250 ok
S: 354 go
result 0 failed RCPT 550 5.1.1 no eve
C: x
C: .
S: 250 two
result 1 delivered end of message 250 2.0.0 two
done 2
ready 2
