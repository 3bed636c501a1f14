# AUTH lines may have 12288 octets, not more (RFC 4954 4)
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
hex: 41 55 54 48 20 50 4c 41 49 4e 20
fill: 3000 QUJD
C:
S: 535 5.7.8 wrong name or password
hex: 41 55 54 48 20 50 4c 41 49 4e 20
fill: 4000 QUJD
C:
S: 500 5.5.2 line too long
C: AUTH PLAIN
S: 334 
fill: 4000 QUJD
C:
S: 500 5.5.6 authentication line malformed or too long
cancels 1
C: NOOP
S: 250 2.0.0 ok
C: QUIT
S: 221 2.0.0 goodbye
closed:
