# a code alone is a reply (RFC 5321 4.2)
S: 220
C: EHLO c.example
