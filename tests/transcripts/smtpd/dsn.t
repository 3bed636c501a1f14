# what RFC 3461 4 lets a client ask for, and what it does not
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
C: MAIL FROM:<a@b.example> RET=HDRS ENVID=QQ+2B314159
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org> NOTIFY=success,Delay ORCPT=rfc822;joe+2Bx@example.org
S: 250 2.1.5 recipient ok
C: RCPT TO:<ann@example.org> NOTIFY=NEVER
S: 250 2.1.5 recipient ok
C: RCPT TO:<bob@example.org>
S: 250 2.1.5 recipient ok
dsn 2 QQ+2B314159 10 rfc822;joe+2Bx@example.org 1 - 0 -
C: RCPT TO:<x@example.org> NOTIFY=NEVER,SUCCESS
S: 501 5.5.4 malformed parameter
C: RCPT TO:<x@example.org> NOTIFY=SUCCESS,
S: 501 5.5.4 malformed parameter
C: RCPT TO:<x@example.org> NOTIFY=
S: 501 5.5.4 malformed parameter
C: RCPT TO:<x@example.org> NOTIFY
S: 501 5.5.4 malformed parameter
C: RCPT TO:<x@example.org> NOTIFY=ALWAYS
S: 501 5.5.4 malformed parameter
C: RCPT TO:<x@example.org> NOTIFY=DELAY NOTIFY=DELAY
S: 501 5.5.4 malformed parameter
C: RCPT TO:<x@example.org> ORCPT=joe@example.org
S: 501 5.5.4 malformed parameter
C: RCPT TO:<x@example.org> ORCPT=rfc822;
S: 501 5.5.4 malformed parameter
C: RCPT TO:<x@example.org> ORCPT=;x
S: 501 5.5.4 malformed parameter
C: RCPT TO:<x@example.org> ORCPT=rfc822;a+0D+0AX:1
S: 501 5.5.4 malformed parameter
C: RCPT TO:<x@example.org> ORCPT=rfc822;a+2b
S: 501 5.5.4 malformed parameter
C: RCPT TO:<x@example.org> RET=FULL
S: 555 5.5.4 unknown parameter
C: RSET
S: 250 2.0.0 reset
C: MAIL FROM:<a@b.example> RET=BODY
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b.example> RET=FULL RET=FULL
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b.example> ENVID=a+0A
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b.example> ENVID=a+
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b.example> ENVID=
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<a@b.example> NOTIFY=NEVER
S: 555 5.5.4 unknown parameter
C: MAIL FROM:<a@b.example> RET=full
S: 250 2.1.0 sender ok
dsn 1 -
