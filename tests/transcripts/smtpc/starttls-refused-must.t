config tls must
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 STARTTLS
C: STARTTLS
S: 501 5.7.0 no
C: QUIT
closed:
close deferred STARTTLS 501 4.7.0 no
ready 0
