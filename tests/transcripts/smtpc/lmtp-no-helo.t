# RFC 2033 4.1: LHLO or nothing
config lmtp
S: 220 b.example
C: LHLO c.example
S: 500 what
C: QUIT
closed:
close failed EHLO 500 5.0.0 what
