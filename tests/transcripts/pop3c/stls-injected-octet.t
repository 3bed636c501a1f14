mode: whole
S: +OK hello
C: CAPA
S: +OK
S: STLS
S: .
C: STLS
hex: 2b 4f 4b 0d 0a 00
closed:
close broken 0 somebody spoke between STLS and TLS
