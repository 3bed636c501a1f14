# one bad address does not stop the others
send a@a.example one@b.example,t>wo@b.example,three@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<one@b.example>
C: RCPT TO:<three@b.example>
C: DATA
result 1 failed RCPT 0 5.1.3 the address cannot be said in SMTP
S: 250 ok
S: 250 ok
S: 550 no
S: 354 go
C: x
C: .
S: 250 ok
result 2 failed RCPT 550 5.0.0 no
result 0 delivered end of message 250 2.0.0 ok
no-result
