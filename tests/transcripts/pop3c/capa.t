# any case, unknown ones, arguments that are no numbers
S: +OK hello
C: CAPA
S: +OK
S: top
S: USER
S: SASL PLAIN SCRAM-SHA-256
S: RESP-CODES
S: AUTH-RESP-CODE
S: LOGIN-DELAY 900 USER
S: PIPELINING
S: EXPIRE 60
S: UIDL
S: X-ODD  y
S: IMPLEMENTATION Dewey v1
S: .
offers 1 511
server 900 60 0
mechanisms PLAIN SCRAM-SHA-256
implementation Dewey v1
C: USER joe
