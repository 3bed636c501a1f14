# what cannot be decoded is cancelled (RFC 4954 4)
config auth login
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH LOGIN
C: AUTH LOGIN
S: 334 Username:
C: *
S: 501 5.7.0 cancelled
auth-failed 501 5.7.0 cancelled
C: AUTH LOGIN
