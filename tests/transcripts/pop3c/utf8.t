# RFC 6856 2.1: in the AUTHORIZATION state
config utf8
S: +OK hello
C: CAPA
S: +OK
S: UTF8 USER
S: .
C: UTF8
S: +OK
server 0 18446744073709551615 1
C: USER joe
