S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 STARTTLS
C: STARTTLS
time: +300s
closed:
close deferred STARTTLS 0 4.4.2 the server did not answer in time
