# too many recipients once was 552 (RFC 5321 4.5.3.1.10); a full mailbox still is
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
S: 251 will forward
S: 552 too many
S: 552 5.5.3 too many
S: 552 5.2.2 mailbox full
S: 354 go
C: x
C: .
S: 250 ok
result 1 deferred RCPT 552 4.5.3 too many
result 2 deferred RCPT 552 4.5.3 too many
result 3 failed RCPT 552 5.2.2 mailbox full
result 0 delivered end of message 250 2.0.0 ok
