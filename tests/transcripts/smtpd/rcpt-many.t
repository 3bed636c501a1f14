# too many recipients are sent again later (RFC 5321 4.5.3.1.10)
config recipients 3
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
repeat: 5 RCPT TO:<joe@example.org>
S*: 3 250 2.1.5 recipient ok
S*: 2 452 4.5.3 too many recipients
C: DATA
S: 354 end with CRLF.CRLF
C: .
S: 250 2.0.0 message accepted
C: QUIT
S: 221 2.0.0 goodbye
closed:
