# one octet is enough
mode: whole
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 STARTTLS
C: STARTTLS
hex: 32 32 30 20 78 0d 0a 32
closed:
close deferred STARTTLS 0 4.7.0 somebody spoke between STARTTLS and TLS
