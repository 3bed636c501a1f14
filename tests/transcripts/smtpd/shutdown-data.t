# a message under way is finished first
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: a
shutdown
C: b
C: .
C: QUIT
S: 250 2.0.0 message accepted
S: 421 4.3.2 the server is stopping, please come back
closed:
messages 1
