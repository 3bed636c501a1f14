# parameters of MAIL
config size 1000
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
S: 250-mx.example.org greets 192.0.2.1
S: 250-PIPELINING
S: 250-SIZE 1000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-STARTTLS
S: 250-DSN
S: 250-LIMITS RCPTMAX=100
S: 250 ENHANCEDSTATUSCODES
C: MAIL FROM:<a@b> SIZE=1001
S: 552 5.3.4 message too big
C: MAIL FROM:<a@b> SIZE=99999999999999999999
S: 552 5.3.4 message too big
C: MAIL FROM:<a@b> SIZE=-1
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b> SIZE=999999999999999999999
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b> SIZE
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b> SIZE=1 SIZE=1
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b> BODY=BINARYMIME
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b> SMTPUTF8=1
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b> AUTH=<>
S: 555 5.5.4 unknown parameter
C: MAIL FROM:<a@b> X=1
S: 555 5.5.4 unknown parameter
C: MAIL FROM:<a@b>SIZE=1
S: 501 5.5.4 malformed parameter
C: MAIL FROM:a@b
S: 501 5.1.7 malformed sender address
C: MAIL FROM:<;cmd;>
S: 501 5.1.7 malformed sender address
C: MAIL TO:<a@b>
S: 501 5.5.2 expected MAIL FROM:<address>
C: MAIL FROM:<a@b> size=1000  body=8bitmime smtputf8
S: 250 2.1.0 sender ok
C: QUIT
S: 221 2.0.0 goodbye
closed:
