config tls may
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 STARTTLS
C: STARTTLS
S: 421 4.7.0 closing
closed:
close deferred STARTTLS 421 4.7.0 closing
