# the client does not trust the server after all
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
C: AUTH SCRAM-SHA-256 biws
S: 334 c2VydmVyLWZpcnN0
C: Yz1iaXdz
S: 334 dj1zaWduYXR1cmU=
C: *
S: 501 5.7.0 authentication cancelled
user 
cancels 1
C: MAIL FROM:<a@b>
S: 530 5.7.0 authentication required
C: AUTH SCRAM-SHA-256 biws
S: 334 c2VydmVyLWZpcnN0
C: Yz1iaXdz
S: 334 dj1zaWduYXR1cmU=
C: eA==
S: 501 5.5.2 expected an empty response
cancels 1
user 
C: QUIT
S: 221 2.0.0 goodbye
closed:
