# the budget ends with the message that is refused
config errors 1 1
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
hex: 61 0a 62 0d 0a 2e 0d 0a
S: 421 4.7.0 too many errors
closed:
aborts 1
messages 0
