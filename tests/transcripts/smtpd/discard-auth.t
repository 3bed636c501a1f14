# AUTH is no command when it is not offered
config role submission
config tls-active
config discard 64
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
S: 250-mx.example.org greets 192.0.2.1
S: 250-PIPELINING
S: 250-SIZE 1000000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-DSN
S: 250-LIMITS RCPTMAX=100
S: 250 ENHANCEDSTATUSCODES
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
S: 502 5.5.1 no authentication here
