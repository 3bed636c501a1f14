# DATA without a recipient is 503, a last BDAT has as many replies: none (RFC 2033 4.2, 4.3)
config role lmtp
S: 220 mx.example.org LMTP ready
policy rcpt <jones@example.org> 550 5.1.1 no such mailbox here
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
C: MAIL FROM:<a@b.example>
C: RCPT TO:<jones@example.org>
C: DATA
S: 250 2.1.0 sender ok
S: 550 5.1.1 no such mailbox here
S: 503 5.5.1 no recipient was accepted
C: BDAT 3 LAST
hex: 41 0d 0a
C: NOOP
S: 250 2.0.0 ok
aborts 1
C: BDAT 3 LAST
hex: 41 0d 0a
S: 503 5.5.1 BDAT is not possible now
C: MAIL FROM:<a@b.example>
C: BDAT 3
hex: 41 0d 0a
S: 250 2.1.0 sender ok
S: 503 5.5.1 BDAT is not possible now
aborts 2
