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
S: 554-5.7.1 this is
S: 554-5.7.1 
S: 554 5.7.1 spam
result 0 failed end of message 554 5.7.1 this is spam
done 1
