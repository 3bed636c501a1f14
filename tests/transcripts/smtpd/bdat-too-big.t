# over the limit: read, dropped, refused; later chunks too (RFC 3030 2)
config size 10
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
S: 250-mx.example.org greets 192.0.2.1
S: 250-PIPELINING
S: 250-SIZE 10
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-STARTTLS
S: 250-DSN
S: 250-LIMITS RCPTMAX=100
S: 250 ENHANCEDSTATUSCODES
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: BDAT 8
hex: 31 32 33 34 35 36 0d 0a
S: 250 2.0.0 8 octets received
C: BDAT 3
hex: 61 62 63
C: BDAT 6 LAST
hex: 51 55 49 54 0d 0a
S: 552 5.3.4 message too big
S: 503 5.5.1 BDAT is not possible now
messages 0
aborts 1
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: BDAT 10 LAST
hex: 31 32 33 34 35 36 37 38 0d 0a
S: 250 2.0.0 message accepted
body: 12345678
C: QUIT
S: 221 2.0.0 goodbye
closed:
