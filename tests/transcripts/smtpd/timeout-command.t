# five minutes between commands
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
time: +299s
C: NOOP
S: 250 2.0.0 ok
time: +299s
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
time: +301s
S: 421 4.4.2 timed out
closed:
aborts 1
