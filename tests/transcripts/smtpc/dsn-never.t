send - joe@b.example ret=full notify=1
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-DSN
S: 250 PIPELINING
C: MAIL FROM:<> RET=FULL
C: RCPT TO:<joe@b.example> NOTIFY=NEVER
C: DATA
