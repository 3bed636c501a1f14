# implicit TLS: STARTTLS is not asked for
config tls-active
config tls must
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 STARTTLS
C: MAIL FROM:<a@a.example>
