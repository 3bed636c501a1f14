# nothing is submitted in the clear
config role submission
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
C: MAIL FROM:<a@b>
S: 530 5.7.0 say STARTTLS first
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
S: 538 5.7.11 encryption required: say STARTTLS first
C: RCPT TO:<a@b>
S: 503 5.5.1 say MAIL first
C: BDAT 6 LAST
hex: 51 55 49 54 0d 0a
S: 503 5.5.1 BDAT is not possible now
C: QUIT
S: 221 2.0.0 goodbye
closed:
