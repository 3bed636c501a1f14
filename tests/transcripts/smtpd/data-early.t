# octets of a body before 354 end the session (RFC 2920 3.1)
mode: whole
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
C: hello
C: .
C: MAIL FROM:<x@y>
S: 554 5.5.0 data before 354
closed:
messages 0
aborts 1
