# RCPTMAX (RFC 9422 4.2): the others are not named, and told so; an address that cannot be said takes no place
send a@a.example one@b.example,two@b.example,three@b.example,four@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-PIPELINING
S: 250 LIMITS RCPTMAX=2 MAILMAX=10
C: MAIL FROM:<a@a.example>
C: RCPT TO:<one@b.example>
C: RCPT TO:<two@b.example>
C: DATA
result 2 deferred RCPT 0 4.5.3 the server takes no more recipients at one time
result 3 deferred RCPT 0 4.5.3 the server takes no more recipients at one time
S: 250 ok
S: 250 ok
S: 550 5.1.1 who?
result 1 failed RCPT 550 5.1.1 who?
S: 354 go
C: x
C: .
S: 250 ok
result 0 delivered end of message 250 2.0.0 ok
