# -PLUS is offered with a channel binding only
config role submission
config tls-active
config binding
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
S: 250-mx.example.org greets 192.0.2.1
S: 250-PIPELINING
S: 250-SIZE 1000000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-AUTH PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS
S: 250-DSN
S: 250-LIMITS RCPTMAX=100
S: 250 ENHANCEDSTATUSCODES
C: AUTH SCRAM-SHA-256-PLUS biws
S: 334 c2VydmVyLWZpcnN0
C: *
S: 501 5.7.0 authentication cancelled
C: QUIT
S: 221 2.0.0 goodbye
closed:
