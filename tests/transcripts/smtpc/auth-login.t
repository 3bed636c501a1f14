config auth login
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH LOGIN
C: AUTH LOGIN
S: 334 VXNlcm5hbWU6
C: am9l
S: 334 UGFzc3dvcmQ6
C: c2VjcmV0
S: 235 welcome
ready 1
