S: HTTP/1.1 400 Bad Request
closed:
close broken 0 the server does not speak POP3
