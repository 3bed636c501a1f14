# the 250 carries the id
policy commit 250 2.0.0 01ABC queued
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
C: .
S: 250 2.0.0 01ABC queued
messages 1
C: QUIT
S: 221 2.0.0 goodbye
closed:
