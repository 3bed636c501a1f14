# dot-stuffing (RFC 5321 4.5.2)
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: ..
C: ...
C: .x
C: ..x..
C: x.
C: x
C: ..
C: .
S: 250 2.0.0 message accepted
body: .
body: ..
body: x
body: .x..
body: x.
body: x
body: .
end-of-body:
C: QUIT
S: 221 2.0.0 goodbye
closed:
