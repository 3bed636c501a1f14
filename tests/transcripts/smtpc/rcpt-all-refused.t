# nobody gets it: no DATA, and RSET before the next message
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 550 5.1.1 who?
result 0 failed RCPT 550 5.1.1 who?
done 1
send a@a.example ann@b.example
C: RSET
S: 250 ok
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<ann@b.example>
