# NUL in a code
hex: 32 00 30 20 78 0d 0a
closed:
close deferred greeting 0 4.5.0 the server does not speak SMTP
