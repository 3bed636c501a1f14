send a@a.example joe@b.example 8bit
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 8BITMIME
C: MAIL FROM:<a@a.example> BODY=8BITMIME
