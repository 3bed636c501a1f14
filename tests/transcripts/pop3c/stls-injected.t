# responses that came before the handshake are nobody's
mode: whole
S: +OK hello
C: CAPA
S: +OK
S: STLS
S: .
C: STLS
S: +OK go
S: -ERR no CAPA
closed:
close broken 0 somebody spoke between STLS and TLS
