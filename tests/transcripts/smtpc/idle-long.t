# how long a session is kept is the owner's matter
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
time: +86400s
quit
C: QUIT
S: 221 bye
closed:
close nothing QUIT 0 2.0.0 
