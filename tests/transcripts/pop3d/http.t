# A browser is shown the door at once
S: +OK dewey POP3 server ready
C: GET / HTTP/1.1
C: Host: dewey
C: 
S: -ERR unknown command
closed:
