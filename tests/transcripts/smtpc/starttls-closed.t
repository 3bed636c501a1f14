S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 STARTTLS
C: STARTTLS
server-closes
closed:
close deferred STARTTLS 0 4.4.2 the server closed the connection
