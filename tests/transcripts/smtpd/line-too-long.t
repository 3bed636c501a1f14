# one over-long line, one reply
config line 100
S: 220 mx.example.org ESMTP ready
fill: 5000 x
C:
S: 500 5.5.2 line too long
C: NOOP aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
S: 250 2.0.0 ok
C: NOOP aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
S: 500 5.5.2 line too long
C: QUIT
S: 221 2.0.0 goodbye
closed:
