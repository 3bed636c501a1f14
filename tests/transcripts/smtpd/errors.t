# first errors cost time, then the session
config errors 3 5
S: 220 mx.example.org ESMTP ready
C: FOO
S: 500 5.5.1 unknown command
C: FOO
S: 500 5.5.1 unknown command
tarpits 0
C: FOO
S: 500 5.5.1 unknown command
tarpits 1
C: NOOP
S: 250 2.0.0 ok
C: FOO
S: 500 5.5.1 unknown command
tarpits 2
C: FOO
C: NOOP
S: 421 4.7.0 too many errors
closed:
