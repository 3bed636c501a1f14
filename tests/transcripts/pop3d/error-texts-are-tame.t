# No text makes a second line or a response code (RFC 2449 6.4)
S: +OK dewey POP3 server ready
policy login - [AUTH] no\r\n+OK yes
C: AUTH PLAIN AG1yb3NlAHNlY3JldA==
S: -ERR ?AUTH] no??+OK yes
