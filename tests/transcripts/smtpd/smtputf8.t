# addresses beyond ASCII need SMTPUTF8 (RFC 6531)
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
hex: 4d 41 49 4c 20 46 52 4f 4d 3a 3c c3 a4 40 62 2e 65 78 61 6d 70 6c 65 3e 0d 0a
S: 550 5.6.7 this address needs SMTPUTF8
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
hex: 52 43 50 54 20 54 4f 3a 3c c3 b6 40 65 78 61 6d 70 6c 65 2e 6f 72 67 3e 0d 0a
S: 553 5.6.7 this address needs SMTPUTF8
C: RSET
S: 250 2.0.0 reset
hex: 4d 41 49 4c 20 46 52 4f 4d 3a 3c c3 a4 40 62 2e 65 78 61 6d 70 6c 65 3e 20 53 4d 54 50 55 54 46 38 0d 0a
S: 250 2.1.0 sender ok
hex: 52 43 50 54 20 54 4f 3a 3c c3 b6 40 62 c3 bc 63 68 65 72 2e 65 78 61 6d 70 6c 65 3e 0d 0a
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: Subject: ü
C: .
S: 250 2.0.0 message accepted
envelope ä@b.example ö@bücher.example
body: Subject: ü
with UTF8SMTP
C: QUIT
S: 221 2.0.0 goodbye
closed:
