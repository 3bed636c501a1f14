# wrong orders: the octets of a chunk are never commands
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
S: 250-mx.example.org greets 192.0.2.1
S: 250-PIPELINING
S: 250-SIZE 1000000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-STARTTLS
S: 250-DSN
S: 250-LIMITS RCPTMAX=100
S: 250 ENHANCEDSTATUSCODES
C: BDAT 6
hex: 51 55 49 54 0d 0a
S: 503 5.5.1 BDAT is not possible now
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: BDAT 6 LAST
hex: 51 55 49 54 0d 0a
S: 503 5.5.1 BDAT is not possible now
C: RCPT TO:<joe@example.org>
S: 503 5.5.1 say MAIL first
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: BDAT 3
hex: 78 0d 0a
S: 250 2.0.0 3 octets received
C: DATA
S: 503 5.5.1 not within a transaction
C: RCPT TO:<ann@example.org>
S: 503 5.5.1 not within a transaction
C: MAIL FROM:<a@b>
S: 503 5.5.1 not within a transaction
C: AUTH PLAIN
S: 503 5.5.1 not within a transaction
C: STARTTLS
S: 503 5.5.1 not within a transaction
C: RSET
S: 250 2.0.0 reset
C: BDAT 6 LAST
hex: 51 55 49 54 0d 0a
S: 503 5.5.1 BDAT is not possible now
messages 0
aborts 2
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: fine
C: .
S: 250 2.0.0 message accepted
body: fine
C: BDAT 6 LAST
hex: 51 55 49 54 0d 0a
S: 503 5.5.1 BDAT is not possible now
C: QUIT
S: 221 2.0.0 goodbye
closed:
