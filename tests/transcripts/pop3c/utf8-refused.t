config utf8
S: +OK hello
C: CAPA
S: +OK
S: UTF8
S: .
C: UTF8
S: -ERR
server 0 18446744073709551615 0
C: USER joe
