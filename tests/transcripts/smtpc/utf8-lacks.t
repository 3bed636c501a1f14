send a@a.example jösé@b.example
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 8BITMIME
refused 5.6.7 the server takes no internationalized mail
