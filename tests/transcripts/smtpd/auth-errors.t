# guessing is ended by the error budget
config role submission
config tls-active
config errors 2 3
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
C: AUTH PLAIN AGpvZQB3cm9uZw==
S: 535 5.7.8 wrong name or password
C: AUTH PLAIN AGpvZQB3cm9uZw==
S: 535 5.7.8 wrong name or password
tarpits 1
C: AUTH PLAIN AGpvZQB3cm9uZw==
S: 421 4.7.0 too many errors
closed:
