# without CAPA, STLS is tried
config tls must
S: +OK
C: CAPA
S: -ERR
C: STLS
S: -ERR
C: QUIT
closed:
logins 0
