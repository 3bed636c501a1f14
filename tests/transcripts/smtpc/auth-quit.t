# the server offers nothing that fits
config auth quit
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH NTLM
C: QUIT
server-closes
closed:
close nothing QUIT 0 2.0.0 
