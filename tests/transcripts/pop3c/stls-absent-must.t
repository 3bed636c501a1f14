config tls must
S: +OK hello
C: CAPA
S: +OK
S: USER
S: .
C: QUIT
closed:
close broken 0 TLS is required and the server does not offer it
logins 0
