# what cannot be decoded is cancelled (RFC 5034 4)
config login login
S: +OK hello
C: CAPA
S: +OK
S: SASL LOGIN
S: .
C: AUTH LOGIN
S: + !!!!
C: *
S: -ERR cancelled
logins 2
C: AUTH LOGIN
