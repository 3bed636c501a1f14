# What was said before TLS, anybody could have said (RFC 6856 7)
config tls available
S: +OK dewey POP3 server ready
C: LANG de
S: +OK de Sprache gewechselt
C: STLS
S: +OK begin TLS negotiation
tls: started
C: USER mrose
S: +OK send PASS
