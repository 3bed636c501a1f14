# a proxy tells who its client is, before the login only
config xclient
config errors 100 100
config cleartext
account mrose secret
S: +OK [XCLIENT] dewey POP3 server ready
C: XCLIENT ADDR=192.0.2.9 PORT=1025 SESSION=abc/def TTL=4 FORWARD=eA==
S: +OK client taken
C: XCLIENT
S: -ERR wrong number of arguments
C: XCLIENT ADDR
S: -ERR wrong arguments
C: XCLIENT ADDR=
S: -ERR wrong arguments
C: XCLIENT ADDR=192.0.2.256
S: -ERR wrong arguments
C: XCLIENT ADDR=192.0.2.9  PORT=1
S: -ERR wrong arguments
C: XCLIENT PORT=65536
S: -ERR wrong arguments
C: XCLIENT ADDR=2001:db8::1
S: +OK client taken
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 0 messages (0 octets)
C: XCLIENT ADDR=192.0.2.9
S: -ERR not after login
