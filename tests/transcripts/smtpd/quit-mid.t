# QUIT within a transaction delivers nothing
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: QUIT
S: 221 2.0.0 goodbye
closed:
aborts 1
messages 0
