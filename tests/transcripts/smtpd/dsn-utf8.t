# utf-8 original recipients belong to SMTPUTF8 (RFC 6533 3)
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
S: 250-mx.example.org greets 192.0.2.1
S: 250-PIPELINING
S: 250-SIZE 1000000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-STARTTLS
S: 250-DSN
S: 250-LIMITS RCPTMAX=100
S: 250 ENHANCEDSTATUSCODES
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<a@example.org> ORCPT=utf-8;jürgen@example.org
S: 501 5.5.4 malformed parameter
C: RCPT TO:<a@example.org> ORCPT=utf-8;j\x{FC}rgen@example.org
S: 250 2.1.5 recipient ok
C: RSET
S: 250 2.0.0 reset
C: MAIL FROM:<a@b.example> SMTPUTF8
S: 250 2.1.0 sender ok
C: RCPT TO:<a@example.org> ORCPT=utf-8;jürgen@example.org
S: 250 2.1.5 recipient ok
C: RCPT TO:<a@example.org> ORCPT=rfc822;jürgen@example.org
S: 501 5.5.4 malformed parameter
