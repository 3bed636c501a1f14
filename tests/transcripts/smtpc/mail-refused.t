# nobody is asked for; the next message needs no RSET
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 550 5.7.1 not from you
result 0 failed MAIL 550 5.7.1 not from you
done 1
send a@a.example ann@b.example
C: MAIL FROM:<a@a.example>
