# names and passwords that would be commands never get out
config login odd
S: +OK hello
C: CAPA
S: +OK
S: USER
S: .
C: QUIT
