config tls-active
send a@a.example joe@b.example requiretls
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 SIZE
refused 5.7.30 the server does not support REQUIRETLS
