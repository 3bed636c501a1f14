# other parameters are unknown
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org> RET=FULL
S: 555 5.5.4 unknown parameter
C: RCPT TO:<joe@example.org> =
S: 501 5.5.4 malformed parameter
C: QUIT
S: 221 2.0.0 goodbye
closed:
