config login external
S: +OK hello
C: CAPA
S: +OK
S: SASL EXTERNAL
S: .
C: AUTH EXTERNAL =
S: +OK
logged-in
