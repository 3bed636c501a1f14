# EHLO is refused for now
S: 220 b.example
C: EHLO c.example
S: 451 4.7.1 not yet
C: QUIT
closed:
close deferred EHLO 451 4.7.1 not yet
