# AUTH PLAIN with and without the initial response; afterwards no AUTH any more (RFC 5034 4)
S: +OK dewey POP3 server ready
C: AUTH PLAIN AG1yb3NlAHdyb25n
S: -ERR [AUTH] invalid user name or password
C: auth plain
S: + 
C: AG1yb3NlAHNlY3JldA==
S: +OK maildrop has 0 messages (0 octets)
user: mrose
C: AUTH PLAIN AG1yb3NlAHNlY3JldA==
S: -ERR not after login
C: PASS secret
S: -ERR not after login
