# what is no xtext does not get into a command
send a@a.example joe@b.example ret=full envid=a+b orcpt=rfc822;j=e
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-DSN
S: 250 PIPELINING
C: MAIL FROM:<a@a.example> RET=FULL
C: RCPT TO:<joe@b.example>
C: DATA
