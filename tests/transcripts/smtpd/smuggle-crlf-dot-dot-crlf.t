# an end of data that is none: one message or a refusal, never two
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
hex: 6f 6e 65 0d 0a 2e 2e 0d 0a
C: MAIL FROM:<evil@b.example>
C: RCPT TO:<joe@example.org>
C: DATA
C: smuggled
C: .
S: 250 2.0.0 message accepted
messages 1
envelope a@b.example joe@example.org
C: QUIT
S: 221 2.0.0 goodbye
closed:
