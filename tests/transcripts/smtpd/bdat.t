# chunks, dots and line ends as they are (RFC 3030)
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
C: BDAT 9
hex: 53 75 62 3a 20 78 0d 0a 0d
S: 250 2.0.0 9 octets received
C: BDAT 8
hex: 0a 2e 0d 0a 2e 2e 0d 0a
S: 250 2.0.0 8 octets received
C: BDAT 0
S: 250 2.0.0 0 octets received
C: BDAT 5 LAST
hex: 65 6e 64 0d 0a
S: 250 2.0.0 message accepted
body: Sub: x
body:
body: .
body: ..
body: end
end-of-body:
aborts 0
C: QUIT
S: 221 2.0.0 goodbye
closed:
