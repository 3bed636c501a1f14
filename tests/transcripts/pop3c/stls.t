# what was offered before TLS is forgotten (RFC 2595 4), the timestamp too
config login apop
S: +OK <1896.697170952@dbc.mtview.ca.us>
C: CAPA
S: +OK
S: STLS
S: PIPELINING
S: .
timestamp <1896.697170952@dbc.mtview.ca.us>
C: STLS
S: +OK go
tls: started
C: CAPA
S: +OK
S: UIDL
S: .
offers 1 256
timestamp 
C: QUIT
