# no password in the clear (CVE-2021-39272)
config tls must
S: +OK hello
C: CAPA
S: +OK
S: STLS
S: .
C: STLS
S: -ERR not today
C: QUIT
closed:
close refused 0 not today
logins 0
