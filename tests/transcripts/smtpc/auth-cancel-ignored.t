# a server that goes on asking after "*" does not hold us
config auth cancel
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH PLAIN
C: AUTH PLAIN
S: 334 
C: *
S: 334 
closed:
close deferred AUTH 0 4.5.0 the server does not speak SMTP
