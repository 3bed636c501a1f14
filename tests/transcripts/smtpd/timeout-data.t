# within a body
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
time: +179s
C: b
time: +179s
C: c
time: +181s
S: 421 4.4.2 timed out
closed:
aborts 1
messages 0
