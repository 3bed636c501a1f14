# one reply too many: the next message would be out of step
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 250 ok
C: DATA
S: 354 go
C: x
C: .
S: 250 ok
S: 250 ok
result 0 delivered end of message 250 2.0.0 ok
done 1
closed:
close deferred between messages 0 4.5.0 the server does not speak SMTP
