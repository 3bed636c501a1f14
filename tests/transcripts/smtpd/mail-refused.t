# a refused sender begins nothing
policy mail <bad@b> 550 5.7.1 not you
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<bad@b>
S: 550 5.7.1 not you
C: RCPT TO:<a@b>
S: 503 5.5.1 say MAIL first
aborts 1
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: .
S: 250 2.0.0 message accepted
C: QUIT
S: 221 2.0.0 goodbye
closed:
