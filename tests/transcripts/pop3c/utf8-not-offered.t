config utf8
S: +OK hello
C: CAPA
S: +OK
S: USER
S: .
C: USER joe
