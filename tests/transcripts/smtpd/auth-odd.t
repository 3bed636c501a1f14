# NUL and bare LF within an exchange
config role submission
config tls-active
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
S: 250-mx.example.org greets 192.0.2.1
S: 250-PIPELINING
S: 250-SIZE 1000000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-AUTH PLAIN LOGIN SCRAM-SHA-256
S: 250-DSN
S: 250-LIMITS RCPTMAX=100
S: 250 ENHANCEDSTATUSCODES
C: AUTH PLAIN
S: 334 
hex: 41 00 0d 0a
S: 500 5.5.6 authentication line malformed or too long
C: AUTH PLAIN
S: 334 
hex: 41 0a 2a 0d 0a
S: 500 5.5.6 authentication line malformed or too long
cancels 2
C: QUIT
S: 221 2.0.0 goodbye
closed:
