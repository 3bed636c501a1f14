# 354 as a greeting
S: 354 go on
closed:
close deferred greeting 0 4.5.0 the server does not speak SMTP
