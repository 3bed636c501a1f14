# a list of capabilities without an end
S: +OK
C: CAPA
S: +OK
repeat: 201 X
closed:
close broken 0 the server does not speak POP3
