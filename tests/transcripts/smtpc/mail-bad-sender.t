# a path that is none never gets into a command
send a<b@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
refused 5.1.3 the address cannot be said in SMTP
