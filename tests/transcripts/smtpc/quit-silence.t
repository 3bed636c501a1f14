S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
quit
C: QUIT
time: +5s
closed:
close nothing QUIT 0 2.0.0 
