S: 220 b.example
C: EHLO c.example
S: 421 bye
closed:
close deferred EHLO 421 4.0.0 bye
