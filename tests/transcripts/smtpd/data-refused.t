# DATA refused by the store
policy data 452 4.3.1 no space
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 452 4.3.1 no space
aborts 1
C: RCPT TO:<a@b>
S: 503 5.5.1 say MAIL first
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: BDAT 3 LAST
hex: 78 0d 0a
S: 452 4.3.1 no space
aborts 2
messages 0
C: QUIT
S: 221 2.0.0 goodbye
closed:
