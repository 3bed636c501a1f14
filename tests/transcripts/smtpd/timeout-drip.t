# octets of a command that never ends do not count
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
hex: 4e
time: +200s
hex: 4f
time: +101s
S: 421 4.4.2 timed out
closed:
