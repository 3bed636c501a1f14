config tls never
S: +OK hello
C: CAPA
S: +OK
S: STLS
S: .
C: USER joe
