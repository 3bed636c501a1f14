# MAILMAX is announced and held (RFC 9422)
config transactions 2
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
S: 250-LIMITS RCPTMAX=100 MAILMAX=2
S: 250 ENHANCEDSTATUSCODES
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RSET
S: 250 2.0.0 reset
C: MAIL FROM:<bad
S: 501 5.1.7 malformed sender address
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RSET
S: 250 2.0.0 reset
C: MAIL FROM:<a@b.example>
S: 421 4.5.3 too many messages in one session
closed:
