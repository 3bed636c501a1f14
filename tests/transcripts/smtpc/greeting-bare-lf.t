# lines that end in LF only: old servers
hex: 32 32 30 20 78 0a
C: EHLO c.example
hex: 32 35 30 2d 78 0a 32 35 30 20 53 49 5a 45 20 35 0a
ready 1
offers 2 5 0 0
