# too many Received fields: the message loops (RFC 5321 6.3)
config received 3
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: received: a
C:  received: folded
C: X-Received: no
C: X-Header: eight octets too
C: Received : b
C: RECEIVED:c
C:
C: Received: body
C: .
S: 250 2.0.0 message accepted
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
repeat: 4 Received: x
C:
C: .
S: 554 5.4.6 too many hops, this message loops
messages 1
aborts 1
C: QUIT
S: 221 2.0.0 goodbye
closed:
