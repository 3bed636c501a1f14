# one message in, as RFC 5321 appendix D.1 has it
S: 220 mx.example.org ESMTP ready
C: EHLO client.example.net
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
C: MAIL FROM:<Smith@bar.com>
S: 250 2.1.0 sender ok
C: RCPT TO:<Jones@foo.com>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: Subject: test
C:
C: ..dots
C: .
S: 250 2.0.0 message accepted
body: Subject: test
body:
body: .dots
end-of-body:
envelope Smith@bar.com Jones@foo.com
messages 1
with ESMTP
C: QUIT
S: 221 2.0.0 goodbye
closed:
aborts 0
