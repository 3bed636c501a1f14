# no such class (RFC 5321 4.2.1)
S: 120 soon
closed:
close deferred greeting 0 4.5.0 the server does not speak SMTP
