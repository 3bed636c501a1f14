# parameters that were not offered would be refused
send a@a.example joe@b.example ret=hdrs envid=Q1 notify=6 orcpt=rfc822;joe@a.example
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: DATA
