# ETRN for those who may (RFC 1985)
config etrn
policy etrn <@example.org> 253 2.0.0 14 pending messages started
S: 220 mx.example.org ESMTP ready
C: ETRN example.org
S: 503 5.5.1 say EHLO first
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
S: 250-ETRN
S: 250 ENHANCEDSTATUSCODES
C: ETRN example.org
S: 250 2.0.0 queuing started
C: ETRN @example.org
S: 253 2.0.0 14 pending messages started
C: ETRN #uucp
S: 458 4.5.0 there is no such queue
C: ETRN
S: 501 5.5.4 expected a domain
C: ETRN @
S: 501 5.5.4 expected a domain
C: ETRN two words
S: 501 5.5.4 expected a domain
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: ETRN example.org
S: 503 5.5.1 not within a transaction
