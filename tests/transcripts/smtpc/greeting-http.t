# not SMTP at all
S: HTTP/1.1 400 Bad Request
closed:
close deferred greeting 0 4.5.0 the server does not speak SMTP
