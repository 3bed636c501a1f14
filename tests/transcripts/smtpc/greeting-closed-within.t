# half a greeting
hex: 32 32 30 20
server-closes
closed:
close deferred greeting 0 4.4.2 the server closed the connection
