# the store fails within the body: read to the end, then the reply
policy body 451 4.3.0 try again later
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
C: b
C: .
S: 451 4.3.0 try again later
aborts 1
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: BDAT 3
hex: 61 0d 0a
S: 451 4.3.0 try again later
C: BDAT 3 LAST
hex: 62 0d 0a
S: 503 5.5.1 BDAT is not possible now
messages 0
C: QUIT
S: 221 2.0.0 goodbye
closed:
