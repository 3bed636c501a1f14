# a challenge is no greeting
S: + 
closed:
close broken 0 the server does not speak POP3
