# a line without a code
S: 
closed:
close deferred greeting 0 4.5.0 the server does not speak SMTP
