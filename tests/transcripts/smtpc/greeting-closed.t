# the server closes at once
server-closes
closed:
close deferred greeting 0 4.4.2 the server closed the connection
