# without a certificate there is no EXTERNAL
S: +OK dewey POP3 server ready
C: AUTH EXTERNAL =
S: -ERR mechanism is not supported
