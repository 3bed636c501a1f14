# AUTH= of MAIL: a mailbox or <> as xtext (RFC 4954 5)
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
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
S: 235 2.7.0 authenticated
C: MAIL FROM:<a@b> AUTH=x+0Ay@b
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b> AUTH=x+2b
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b> AUTH=x+
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b> AUTH=e+2Bmail@b
S: 250 2.1.0 sender ok
auth-param e+mail@b
C: RSET
S: 250 2.0.0 reset
C: MAIL FROM:<a@b> AUTH=<>
S: 250 2.1.0 sender ok
auth-param <>
C: QUIT
S: 221 2.0.0 goodbye
closed:
