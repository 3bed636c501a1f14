# Twenty after it; refusals such as "no such message" are none, and those before login are forgotten
S: +OK dewey POP3 server ready
C: FOO
S: -ERR unknown command
C: FOO
S: -ERR unknown command
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 0 messages (0 octets)
repeat: 50 RETR 1
S*: 50 -ERR no such message, only 0 in maildrop
repeat: 19 FOO
S*: 19 -ERR unknown command
C: NOOP
S: +OK
C: USER again
S: -ERR not after login
closed:
no-update:
