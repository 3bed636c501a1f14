S: +OK hello
C: CAPA
S: +OK
S: STLS
S: .
C: STLS
time: +60s
closed:
close broken 0 the server did not answer in time
