# Half a command in the clear is not completed under TLS
config tls available
S: +OK dewey POP3 server ready
hex: 53 54 4c 53 0d 0a 51 55
S: +OK begin TLS negotiation
tls: started
C: IT
S: -ERR unknown command
C: QUIT
S: +OK dewey POP3 server signing off
closed:
