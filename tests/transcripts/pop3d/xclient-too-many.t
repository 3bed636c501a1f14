# the client that is told has too many connections
config xclient
S: +OK [XCLIENT] dewey POP3 server ready
C: XCLIENT ADDR=192.0.2.66
S: -ERR [SYS/TEMP] too many connections, try again later
closed:
