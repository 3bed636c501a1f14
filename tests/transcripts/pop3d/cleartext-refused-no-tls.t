# Neither TLS nor permission
config tls none
S: +OK dewey POP3 server ready
C: STLS
S: -ERR TLS is not available
C: USER mrose
S: -ERR TLS is needed to log in
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
S: .
