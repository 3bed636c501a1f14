# what is not offered is not taken either: SMTPUTF8, CHUNKING, STARTTLS, DSN, SIZE, ENHANCEDSTATUSCODES
config discard 698
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
S: 250-mx.example.org greets 192.0.2.1
S: 250-PIPELINING
S: 250-8BITMIME
S: 250 LIMITS RCPTMAX=100
C: MAIL FROM:<a@b.example> SMTPUTF8
S: 555 5.5.4 unknown parameter
C: MAIL FROM:<a@b.example> RET=FULL
S: 555 5.5.4 unknown parameter
C: MAIL FROM:<a@b.example> SIZE=1
S: 555 5.5.4 unknown parameter
C: STARTTLS
S: 502 5.5.1 no TLS here
C: BDAT 1 LAST
S: 502 5.5.1 BDAT is not offered
closed:
