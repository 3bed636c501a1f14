# the server ends an idle session
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
ready 1
S: 421 4.4.2 idle too long
closed:
close deferred between messages 421 4.4.2 idle too long
