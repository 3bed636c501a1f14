# refused recipient does not end the transaction
policy rcpt <nobody@example.org> 550 5.1.1 no such mailbox
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<nobody@example.org>
S: 550 5.1.1 no such mailbox
C: DATA
S: 503 5.5.1 no recipient was accepted
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: RCPT TO:<nobody@example.org>
S: 550 5.1.1 no such mailbox
C: RCPT TO:<ann@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: x
C: .
S: 250 2.0.0 message accepted
envelope a@b.example joe@example.org,ann@example.org
body: x
C: QUIT
S: 221 2.0.0 goodbye
closed:
