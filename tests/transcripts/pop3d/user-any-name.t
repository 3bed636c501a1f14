# USER says the same for every name; PASS too
config failures 10
S: +OK dewey POP3 server ready
C: USER nobody
S: +OK send PASS
C: PASS secret
S: -ERR [AUTH] invalid user name or password
C: USER mrose
S: +OK send PASS
C: PASS wrong
S: -ERR [AUTH] invalid user name or password
C: PASS secret
S: -ERR send USER first
C: USER a
S: +OK send PASS
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 0 messages (0 octets)
user: mrose
