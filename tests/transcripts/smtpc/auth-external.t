# an empty initial response is "=" (RFC 4954 4)
config auth external
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH EXTERNAL
C: AUTH EXTERNAL =
S: 235 welcome
ready 1
