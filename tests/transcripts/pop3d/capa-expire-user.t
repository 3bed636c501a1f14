# before login EXPIRE is the least of all users (RFC 2449 6.7), after it that of this one
config expire 5 30
S: +OK dewey POP3 server ready
C: CAPA
S: +OK capability list follows
S: TOP
S: UIDL
S: RESP-CODES
S: AUTH-RESP-CODE
S: PIPELINING
S: UTF8 USER
S: LANG
S: EXPIRE 5 USER
S: USER
S: SASL PLAIN LOGIN SCRAM-SHA-256
S: .
C: USER mrose
C: PASS secret
S: +OK send PASS
S: +OK maildrop has 0 messages (0 octets)
C: CAPA
S: +OK capability list follows
S: TOP
S: UIDL
S: RESP-CODES
S: AUTH-RESP-CODE
S: PIPELINING
S: UTF8 USER
S: LANG
S: EXPIRE 30
S: USER
S: SASL PLAIN LOGIN SCRAM-SHA-256
S: .
