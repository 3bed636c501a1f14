# bare CR and LF are refused, also across chunks and at the end
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
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: BDAT 7 LAST
hex: 61 0a 2e 0a 62 0d 0a
S: 550 5.6.0 bare CR or LF in the message
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: BDAT 2
hex: 61 0d
S: 250 2.0.0 2 octets received
C: BDAT 3
hex: 62 0d 0a
S: 550 5.6.0 bare CR or LF in the message
C: BDAT 3 LAST
hex: 63 0d 0a
S: 503 5.5.1 BDAT is not possible now
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: BDAT 2 LAST
hex: 61 0d
S: 550 5.6.0 bare CR or LF in the message
messages 0
aborts 3
C: QUIT
S: 221 2.0.0 goodbye
closed:
