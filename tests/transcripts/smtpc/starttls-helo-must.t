config tls must
S: 220 b.example
C: EHLO c.example
S: 500 what
C: HELO c.example
S: 250 b.example
C: QUIT
closed:
close deferred EHLO 0 4.7.4 TLS is required and the server does not offer it
