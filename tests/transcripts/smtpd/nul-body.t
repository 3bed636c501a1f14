# NUL and all octets but bare CR and LF pass
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
hex: 00 01 7f 80 ff 0d 0a 2e 0d 0a
S: 250 2.0.0 message accepted
messages 1
C: QUIT
S: 221 2.0.0 goodbye
closed:
