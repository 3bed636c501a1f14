# replies that came before the handshake are nobody's (CVE-2021-38371)
mode: whole
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 STARTTLS
C: STARTTLS
S: 220 go
S: 250-b.example
S: 250 AUTH PLAIN
closed:
close deferred STARTTLS 0 4.7.0 somebody spoke between STARTTLS and TLS
ready 0
