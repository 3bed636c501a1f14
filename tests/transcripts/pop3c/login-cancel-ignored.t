# a server that goes on asking after "*" does not hold us
config login login
S: +OK hello
C: CAPA
S: +OK
S: SASL LOGIN
S: .
C: AUTH LOGIN
S: + !!!!
C: *
S: + VXNlcm5hbWU6
closed:
close broken 0 the server does not speak POP3
