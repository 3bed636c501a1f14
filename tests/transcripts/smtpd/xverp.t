# XVERP takes two delimiters or none, and wants a sender that a bounce could go to
config xverp
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
S: 250-XVERP
S: 250 ENHANCEDSTATUSCODES
C: MAIL FROM:<> XVERP
S: 501 5.5.4 XVERP needs a sender
C: MAIL FROM:<a@b.example> XVERP=-
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b.example> XVERP=
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b.example> XVERP=+#
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b.example> XVERP=+=-
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b.example> XVERP XVERP
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b.example> XVERP
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
dsn 0 - verp+= 0 -
C: RSET
S: 250 2.0.0 reset
C: MAIL FROM:<a@b.example> XVERP=-=
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
dsn 0 - verp-= 0 -
