# all who were accepted get the reply to DATA
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
S: 451 4.3.0 no
result 0 deferred DATA 451 4.3.0 no
done 1
send a@a.example ann@b.example
C: RSET
