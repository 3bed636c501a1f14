# chunks and commands in one segment
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
C: RCPT TO:<joe@example.org>
C: BDAT 3
hex: 61 0d 0a
C: BDAT 3 LAST
hex: 62 0d 0a
C: QUIT
S: 250 2.1.0 sender ok
S: 250 2.1.5 recipient ok
S: 250 2.0.0 3 octets received
S: 250 2.0.0 message accepted
S: 221 2.0.0 goodbye
body: a
body: b
closed:
