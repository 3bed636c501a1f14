send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 451 4.7.1 greylisted
result 0 deferred MAIL 451 4.7.1 greylisted
done 1
