# 452 after others were taken says that there are too many (RFC 5321 4.5.3.1.10), before that only that it is not now
send a@a.example one@b.example,two@b.example,three@b.example,four@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<one@b.example>
C: RCPT TO:<two@b.example>
C: RCPT TO:<three@b.example>
C: RCPT TO:<four@b.example>
C: DATA
S: 250 ok
S: 452 no room
S: 250 ok
S: 452 too many
S: 452 4.2.2 mailbox full
S: 354 go
C: x
C: .
S: 250 ok
result 0 deferred RCPT 452 4.0.0 no room
result 2 deferred RCPT 452 4.5.3 too many
result 3 deferred RCPT 452 4.2.2 mailbox full
result 1 delivered end of message 250 2.0.0 ok
