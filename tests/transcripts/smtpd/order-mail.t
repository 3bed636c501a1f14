# after MAIL, without RCPT
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: MAIL FROM:<c@d>
S: 503 5.5.1 not within a transaction
C: DATA
S: 503 5.5.1 no recipient was accepted
C: STARTTLS
S: 503 5.5.1 not within a transaction
C: AUTH PLAIN
S: 503 5.5.1 not within a transaction
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: MAIL FROM:<c@d>
S: 503 5.5.1 not within a transaction
C: STARTTLS
S: 503 5.5.1 not within a transaction
C: DATA
S: 354 end with CRLF.CRLF
C: .
S: 250 2.0.0 message accepted
envelope a@b.example joe@example.org
end-of-body:
aborts 0
C: QUIT
S: 221 2.0.0 goodbye
closed:
