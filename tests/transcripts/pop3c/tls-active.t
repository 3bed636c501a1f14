config tls-active
config tls must
S: +OK hello
C: CAPA
S: +OK
S: STLS
S: .
C: USER joe
