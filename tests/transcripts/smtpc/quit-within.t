# the owner gives up within a message
hold
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
quit
result 0 deferred MAIL 0 4.3.0 the message could not be sent
done 1
closed:
