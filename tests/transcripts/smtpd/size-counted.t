# SIZE is counted whatever was promised
config size 20
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
S: 250-mx.example.org greets 192.0.2.1
S: 250-PIPELINING
S: 250-SIZE 20
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-STARTTLS
S: 250-DSN
S: 250-LIMITS RCPTMAX=100
S: 250 ENHANCEDSTATUSCODES
C: MAIL FROM:<a@b.example> SIZE=5
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: From 23456789012345
C: and more
C: .
S: 552 5.3.4 message too big
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: 123456789012345678
C: .
S: 250 2.0.0 message accepted
body: 123456789012345678
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: .123456789012345678
C: .
S: 250 2.0.0 message accepted
body: 123456789012345678
messages 2
aborts 1
C: QUIT
S: 221 2.0.0 goodbye
closed:
