config login apop
S: +OK ready <nothing here>
C: CAPA
S: -ERR
timestamp 
C: QUIT
