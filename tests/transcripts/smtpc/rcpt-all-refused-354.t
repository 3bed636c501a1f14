# DATA was in the burst and is accepted for nobody: a lone dot (RFC 2920 3.1)
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: DATA
S: 250 ok
S: 550 5.1.1 who?
S: 354 go
C: .
result 0 failed RCPT 550 5.1.1 who?
done 0
S: 250 thanks
no-result
done 1
send a@a.example ann@b.example
C: MAIL FROM:<a@a.example>
C: RCPT TO:<ann@b.example>
C: DATA
