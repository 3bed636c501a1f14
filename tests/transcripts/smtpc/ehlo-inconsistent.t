# two codes in one reply: which is meant?
S: 220 b.example
C: EHLO c.example
S: 250-b.example
S: 550 SIZE
closed:
close deferred EHLO 0 4.5.0 the server does not speak SMTP
