# a whole group in one segment
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
C: RCPT TO:<joe@example.org>
C: RCPT TO:<bad>
C: RCPT TO:<ann@example.org>
C: DATA
S: 250 2.1.0 sender ok
S: 250 2.1.5 recipient ok
S: 501 5.1.3 malformed recipient address
S: 250 2.1.5 recipient ok
S: 354 end with CRLF.CRLF
C: one
C: .
C: MAIL FROM:<>
C: RCPT TO:<joe@example.org>
C: DATA
S: 250 2.0.0 message accepted
S: 250 2.1.0 sender ok
S: 250 2.1.5 recipient ok
S: 354 end with CRLF.CRLF
C: two
C: .
C: QUIT
S: 250 2.0.0 message accepted
S: 221 2.0.0 goodbye
closed:
body: one
body: two
end-of-body:
envelope  joe@example.org
messages 2
