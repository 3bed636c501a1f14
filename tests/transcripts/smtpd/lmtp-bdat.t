# BDAT answers once a chunk, and the last one once a recipient (RFC 2033 4.3)
config role lmtp
S: 220 mx.example.org LMTP ready
policy each <b@example.org> 552 5.2.2 full
C: LHLO c.example
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
C: MAIL FROM:<x@b.example>
C: RCPT TO:<a@example.org>
C: RCPT TO:<b@example.org>
C: BDAT 3
hex: 41 0d 0a
C: BDAT 3 LAST
hex: 42 0d 0a
S: 250 2.1.0 sender ok
S: 250 2.1.5 recipient ok
S: 250 2.1.5 recipient ok
S: 250 2.0.0 3 octets received
S: 250 2.0.0 message accepted
S: 552 5.2.2 full
messages 1
