# commands behind STARTTLS in the clear are never run
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
C: STARTTLS
C: RSET
C: MAIL FROM:<evil@x>
C: RCPT TO:<joe@example.org>
C: NOOP
S: 220 2.0.0 ready for TLS
tls: started
C: NOOP
S: 250 2.0.0 ok
aborts 0
messages 0
C: QUIT
S: 221 2.0.0 goodbye
closed:
