# RSET in every state
S: 220 mx.example.org ESMTP ready
C: RSET
S: 250 2.0.0 reset
C: HELO c.example
S: 250 mx.example.org
C: RSET
S: 250 2.0.0 reset
aborts 0
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RSET
S: 250 2.0.0 reset
aborts 1
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: RSET
S: 250 2.0.0 reset
aborts 2
C: DATA
S: 503 5.5.1 say MAIL first
C: QUIT
S: 221 2.0.0 goodbye
closed:
