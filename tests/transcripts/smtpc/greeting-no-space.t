# "220x" is none
S: 220x
closed:
close deferred greeting 0 4.5.0 the server does not speak SMTP
