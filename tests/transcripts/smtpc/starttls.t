# what was offered before TLS is forgotten (RFC 3207 4.2)
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-PIPELINING
S: 250-SIZE 5
S: 250 STARTTLS
C: STARTTLS
S: 220 go
offers 35 5 0 0
tls: started
C: EHLO c.example
S: 250-b.example
S: 250 STARTTLS
offers 32 0 0 0
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<joe@b.example>
