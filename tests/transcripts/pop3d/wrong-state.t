# A command in the wrong state is -ERR (RFC 1939 3)
config errors 100 100
S: +OK dewey POP3 server ready
C: STAT
S: -ERR log in first
C: LIST
S: -ERR log in first
C: LIST 1
S: -ERR log in first
C: UIDL
S: -ERR log in first
C: RETR 1
S: -ERR log in first
C: TOP 1 1
S: -ERR log in first
C: DELE 1
S: -ERR log in first
C: NOOP
S: -ERR log in first
C: RSET
S: -ERR log in first
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 0 messages (0 octets)
C: USER x
S: -ERR not after login
C: PASS x
S: -ERR not after login
C: AUTH
S: -ERR not after login
C: APOP a b
S: -ERR not after login
C: STLS
S: -ERR not after login
