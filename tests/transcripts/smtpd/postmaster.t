# postmaster without a domain, in any case (RFC 5321 4.1.1.3)
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<PostMaster>
S: 250 2.1.5 recipient ok
C: RCPT TO:<postmaster@example.org>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: .
S: 250 2.0.0 message accepted
envelope a@b.example PostMaster,postmaster@example.org
C: QUIT
S: 221 2.0.0 goodbye
closed:
