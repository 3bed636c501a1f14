# the whole session has its time
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
time: +290s
C: NOOP
S: 250 2.0.0 ok
time: +290s
C: NOOP
S: 250 2.0.0 ok
time: +290s
C: NOOP
S: 250 2.0.0 ok
time: +290s
C: NOOP
S: 250 2.0.0 ok
time: +290s
C: NOOP
S: 250 2.0.0 ok
time: +290s
C: NOOP
S: 250 2.0.0 ok
time: +290s
C: NOOP
S: 250 2.0.0 ok
time: +290s
C: NOOP
S: 250 2.0.0 ok
time: +290s
C: NOOP
S: 250 2.0.0 ok
time: +290s
C: NOOP
S: 250 2.0.0 ok
time: +290s
C: NOOP
S: 250 2.0.0 ok
time: +290s
C: NOOP
S: 250 2.0.0 ok
time: +290s
S: 421 4.4.2 timed out
closed:
