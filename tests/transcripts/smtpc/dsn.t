send a@a.example joe@b.example ret=hdrs envid=Q1+2Bx notify=14 orcpt=rfc822;joe+2Btag@a.example
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-DSN
S: 250 PIPELINING
C: MAIL FROM:<a@a.example> RET=HDRS ENVID=Q1+2Bx
C: RCPT TO:<joe@b.example> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;joe+2Btag@a.example
C: DATA
