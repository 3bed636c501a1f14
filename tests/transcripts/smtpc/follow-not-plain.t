# nothing follows where commands go one by one
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
no-follow a@a.example ann@b.example
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 250 ok
C: DATA
S: 354 go
C: x
C: .
S: 250 one
result 0 delivered end of message 250 2.0.0 one
done 1
ready 2
