config login plain
S: +OK hello
C: CAPA
S: +OK
S: SASL PLAIN
S: .
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
S: +OK
logged-in
