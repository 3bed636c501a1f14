# a header section has a limit, a body has its own
config header 100
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
repeat: 20 X-A: 789
C: .
S: 552 5.3.4 header too big
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: A: b
C:
repeat: 20 X-A: 789
C: .
S: 250 2.0.0 message accepted
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
repeat: 20 this is no header
C: .
S: 250 2.0.0 message accepted
messages 2
C: QUIT
S: 221 2.0.0 goodbye
closed:
