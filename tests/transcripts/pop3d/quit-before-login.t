# QUIT before login, after USER, after a failed PASS: always answered, never UPDATE
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS wrong
S: -ERR [AUTH] invalid user name or password
C: QUIT
S: +OK dewey POP3 server signing off
closed:
no-update:
