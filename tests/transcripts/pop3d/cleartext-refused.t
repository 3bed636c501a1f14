# No password without TLS, no response code that makes a client ask for another one (RFC 3206 5)
config tls available
S: +OK dewey POP3 server ready
C: USER mrose
S: -ERR TLS is needed to log in, use STLS
C: PASS secret
S: -ERR TLS is needed to log in, use STLS
C: AUTH
S: -ERR TLS is needed to log in, use STLS
C: AUTH PLAIN AG1yb3NlAHNlY3JldA==
S: -ERR TLS is needed to log in, use STLS
C: AUTH PLAIN
S: -ERR TLS is needed to log in, use STLS
C: AUTH SCRAM-SHA-256
S: -ERR TLS is needed to log in, use STLS
C: QUIT
S: +OK dewey POP3 server signing off
closed:
