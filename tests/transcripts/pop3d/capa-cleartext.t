# With cleartext_auth the client may log in without TLS; STLS leaves the list after login (RFC 2595 4)
config tls available
config cleartext
config mechanisms PLAIN
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
S: EXPIRE NEVER
S: USER
S: SASL PLAIN
S: STLS
S: .
C: USER mrose
S: +OK send PASS
C: PASS secret
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
S: EXPIRE NEVER
S: USER
S: SASL PLAIN
S: .
C: STLS
S: -ERR not after login
