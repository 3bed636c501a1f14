# the budget ends within a transaction
config errors 2 3
policy rcpt <x@y> 550 5.1.1 no
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<joe@example.org>
S: 250 2.1.5 recipient ok
C: RCPT TO:<x@y>
C: RCPT TO:<x@y>
C: RCPT TO:<x@y>
C: DATA
S: 550 5.1.1 no
S: 550 5.1.1 no
S: 421 4.7.0 too many errors
closed:
aborts 1
