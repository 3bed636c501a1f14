send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 450 4.2.1 later
result 0 deferred RCPT 450 4.2.1 later
send a@a.example ann@b.example
C: RSET
S: 451 4.3.0 no
result 0 deferred RSET 451 4.3.0 no
done 2
closed:
