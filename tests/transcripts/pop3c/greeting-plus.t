# "+OKAY" is none
S: +OKAY
closed:
close broken 0 the server does not speak POP3
