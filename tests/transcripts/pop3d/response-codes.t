# The codes of RFC 2449 8 and RFC 3206 are really sent
config failures 100
S: +OK dewey POP3 server ready
policy login IN-USE maildrop is in use
C: USER mrose
C: PASS secret
S: +OK send PASS
S: -ERR [IN-USE] maildrop is in use
C: AUTH PLAIN AG1yb3NlAHNlY3JldA==
S: -ERR [IN-USE] maildrop is in use
policy login LOGIN-DELAY wait a minute
C: USER mrose
C: PASS secret
S: +OK send PASS
S: -ERR [LOGIN-DELAY] wait a minute
C: AUTH PLAIN AG1yb3NlAHNlY3JldA==
S: -ERR [LOGIN-DELAY] wait a minute
policy login SYS/TEMP try again later
C: USER mrose
C: PASS secret
S: +OK send PASS
S: -ERR [SYS/TEMP] try again later
C: AUTH PLAIN AG1yb3NlAHNlY3JldA==
S: -ERR [SYS/TEMP] try again later
policy login SYS/PERM maildrop is damaged
C: USER mrose
C: PASS secret
S: +OK send PASS
S: -ERR [SYS/PERM] maildrop is damaged
C: AUTH PLAIN AG1yb3NlAHNlY3JldA==
S: -ERR [SYS/PERM] maildrop is damaged
C: USER mrose
C: PASS wrong
S: +OK send PASS
S: -ERR [AUTH] invalid user name or password
policy login ok
C: AUTH PLAIN AG1yb3NlAHNlY3JldA==
S: +OK maildrop has 0 messages (0 octets)
