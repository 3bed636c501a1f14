config tls must
S: +OK hello
C: CAPA
S: +OK
S: STLS
S: .
C: STLS
S: * OK
closed:
close broken 0 the server does not speak POP3
logins 0
