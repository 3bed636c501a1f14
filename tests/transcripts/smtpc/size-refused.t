# too big for the server: told before anything is sent (RFC 1870 6.1)
send a@a.example joe@b.example
content x
content 0123456789
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 SIZE 14
refused 5.3.4 the message is too big for the server
ready 1
no-content
send a@a.example ann@b.example
C: MAIL FROM:<a@a.example> SIZE=0
