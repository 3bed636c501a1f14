# a bare CR before the end of data
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
hex: 6f 6e 65 0d 0d 0a 2e 0d 0a
S: 550 5.6.0 bare CR or LF in the message
messages 0
C: NOOP
S: 250 2.0.0 ok
C: QUIT
S: 221 2.0.0 goodbye
closed:
