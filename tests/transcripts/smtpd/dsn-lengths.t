# ENVID of 100 octets and ORCPT of 500 pass, one more does not (RFC 3461 4.2, 4.4)
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
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
fill: 1 MAIL FROM:<a@b.example> ENVID=
fill: 100 x
C: 
S: 250 2.1.0 sender ok
fill: 1 RCPT TO:<a@example.org> ORCPT=rfc822;
fill: 493 y
C: 
S: 250 2.1.5 recipient ok
fill: 1 RCPT TO:<a@example.org> ORCPT=rfc822;
fill: 494 y
C: 
S: 501 5.5.4 malformed parameter
C: RSET
S: 250 2.0.0 reset
fill: 1 MAIL FROM:<a@b.example> ENVID=
fill: 101 x
C: 
S: 501 5.5.4 malformed parameter
