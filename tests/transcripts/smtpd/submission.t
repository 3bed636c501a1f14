# AUTH before MAIL
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
C: MAIL FROM:<a@b>
S: 530 5.7.0 authentication required
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
S: 235 2.7.0 authenticated
user joe
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
S: 503 5.5.1 authenticated already
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: .
S: 250 2.0.0 message accepted
with ESMTPSA
C: QUIT
S: 221 2.0.0 goodbye
closed:
