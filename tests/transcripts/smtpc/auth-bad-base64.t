config auth login
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH LOGIN
C: AUTH LOGIN
S: 334 Username:
closed:
close deferred AUTH 0 4.5.0 the server does not speak SMTP
