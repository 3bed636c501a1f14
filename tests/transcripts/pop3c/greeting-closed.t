server-closes
closed:
close broken 0 the server closed the connection
