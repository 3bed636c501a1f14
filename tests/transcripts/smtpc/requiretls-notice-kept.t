# and has it where it is known (RFC 8689 5)
config tls-active
send - joe@b.example requiretls
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 REQUIRETLS
C: MAIL FROM:<> REQUIRETLS
