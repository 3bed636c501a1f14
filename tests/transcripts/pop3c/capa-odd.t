S: +OK hello
C: CAPA
S: +OK
S: LOGIN-DELAY soon
S: EXPIRE NEVER
S:  
S: SASL
S: .
offers 1 164
server 0 18446744073709551615 0
mechanisms 
C: USER joe
