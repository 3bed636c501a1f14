S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
server-closes
closed:
close deferred between messages 0 4.4.2 the server closed the connection
