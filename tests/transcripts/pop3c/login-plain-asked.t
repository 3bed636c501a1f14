config login plain-asked
S: +OK hello
C: CAPA
S: +OK
S: SASL PLAIN
S: .
C: AUTH LOGIN
S: + 
C: AGpvZQBzZWNyZXQ=
S: +OK
logged-in
