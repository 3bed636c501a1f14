# a message that was accepted forgives
config errors 3 4
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
repeat: 2 FOO
S*: 2 500 5.5.1 unknown command
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: .
S: 250 2.0.0 message accepted
repeat: 2 FOO
S*: 2 500 5.5.1 unknown command
tarpits 0
C: QUIT
S: 221 2.0.0 goodbye
closed:
