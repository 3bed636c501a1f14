# HELO and EHLO do not exist (RFC 2033 4.1)
config role lmtp
S: 220 mx.example.org LMTP ready
C: EHLO c.example
S: 500 5.5.1 unknown command
C: HELO c.example
S: 500 5.5.1 unknown command
C: MAIL FROM:<a@b.example>
S: 503 5.5.1 say LHLO first
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
