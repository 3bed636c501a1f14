# not durable, not accepted
policy commit 451 4.3.0 try again later
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
S: 451 4.3.0 try again later
messages 0
aborts 0
C: DATA
S: 503 5.5.1 say MAIL first
C: QUIT
S: 221 2.0.0 goodbye
closed:
