# CAPA under TLS, before and after login: what was announced stays (RFC 2449 5), with channel binding
config binding
config implementation Restante-1
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
S: SASL PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS
S: IMPLEMENTATION Restante-1
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
S: SASL PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS
S: IMPLEMENTATION Restante-1
S: .
