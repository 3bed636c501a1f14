# one reply for each recipient that was accepted, in their order, twice for one named twice (RFC 2033 4.2)
config role lmtp
S: 220 mx.example.org LMTP ready
policy rcpt <jones@example.org> 550 5.1.1 no such mailbox here
policy each <green@example.org> 452 4.2.2 over quota
C: LHLO c.example
S: 250-mx.example.org greets 192.0.2.1
S: 250-PIPELINING
S: 250-SIZE 1000000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-STARTTLS
S: 250-DSN
S: 250-LIMITS RCPTMAX=100
S: 250 ENHANCEDSTATUSCODES
C: MAIL FROM:<chris@b.example>
C: RCPT TO:<pat@example.org>
C: RCPT TO:<jones@example.org>
C: RCPT TO:<green@example.org>
C: RCPT TO:<pat@example.org>
C: DATA
S: 250 2.1.0 sender ok
S: 250 2.1.5 recipient ok
S: 550 5.1.1 no such mailbox here
S: 250 2.1.5 recipient ok
S: 250 2.1.5 recipient ok
S: 354 end with CRLF.CRLF
C: Subject: x
C: 
C: y
C: .
C: MAIL FROM:<>
S: 250 2.0.0 message accepted
S: 452 4.2.2 over quota
S: 250 2.0.0 message accepted
S: 250 2.1.0 sender ok
messages 1
with LMTP
envelope chris@b.example pat@example.org,green@example.org,pat@example.org
