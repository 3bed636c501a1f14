# a message that is refused is refused for each recipient, and the error budget waits until all know
config role lmtp
config errors 1 2
S: 220 mx.example.org LMTP ready
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
C: RCPT TO:<c@example.org>
C: DATA
S: 250 2.1.0 sender ok
S: 250 2.1.5 recipient ok
S: 250 2.1.5 recipient ok
S: 250 2.1.5 recipient ok
S: 354 end with CRLF.CRLF
hex: 41 0a 42 0d 0a 2e 0d 0a
C: NOOP
S: 550 5.6.0 bare CR or LF in the message
S: 550 5.6.0 bare CR or LF in the message
S: 550 5.6.0 bare CR or LF in the message
S: 250 2.0.0 ok
messages 0
aborts 1
