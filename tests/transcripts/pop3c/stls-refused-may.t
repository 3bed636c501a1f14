S: +OK hello
C: CAPA
S: +OK
S: STLS
S: .
C: STLS
S: -ERR not today
C: USER joe
