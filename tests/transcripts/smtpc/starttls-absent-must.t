# somebody cut STARTTLS from the list: no mail in the clear
config tls must
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: QUIT
closed:
close deferred EHLO 0 4.7.4 TLS is required and the server does not offer it
ready 0
