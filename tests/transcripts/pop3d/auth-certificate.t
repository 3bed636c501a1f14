# EXTERNAL is there for who showed a certificate (RFC 4422 A), in the list and in CAPA
config certificate
S: +OK dewey POP3 server ready
C: AUTH
S: +OK mechanisms follow
S: PLAIN
S: LOGIN
S: SCRAM-SHA-256
S: EXTERNAL
S: .
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
S: SASL PLAIN LOGIN SCRAM-SHA-256 EXTERNAL
S: .
