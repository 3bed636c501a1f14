# one answer to all
config role lmtp
S: 220 mx.example.org LMTP ready
policy commit 451 4.3.0 not now
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
C: DATA
S: 250 2.1.0 sender ok
S: 250 2.1.5 recipient ok
S: 250 2.1.5 recipient ok
S: 354 end with CRLF.CRLF
C: y
C: .
C: QUIT
S: 451 4.3.0 not now
S: 451 4.3.0 not now
S: 221 2.0.0 goodbye
closed:
messages 0
