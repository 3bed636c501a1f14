# a refusal is ignored when TLS is only wished for
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 STARTTLS
C: STARTTLS
S: 454 4.7.0 no
C: MAIL FROM:<a@a.example>
