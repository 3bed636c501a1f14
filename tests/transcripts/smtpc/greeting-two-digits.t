# "2" and "22" are no codes
S: 22 hello
closed:
close deferred greeting 0 4.5.0 the server does not speak SMTP
