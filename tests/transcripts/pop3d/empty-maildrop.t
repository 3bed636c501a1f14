# Every command on an empty maildrop (Dovecot crashed on UIDL once)
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 0 messages (0 octets)
C: STAT
S: +OK 0 0
C: LIST
S: +OK 0 messages (0 octets)
S: .
C: UIDL
S: +OK 0 messages (0 octets)
S: .
C: LIST 1
S: -ERR no such message, only 0 in maildrop
C: UIDL 1
S: -ERR no such message, only 0 in maildrop
C: RETR 1
S: -ERR no such message, only 0 in maildrop
C: DELE 1
S: -ERR no such message, only 0 in maildrop
C: TOP 1 0
S: -ERR no such message, only 0 in maildrop
C: LIST 0
S: -ERR no such message, only 0 in maildrop
C: RSET
S: +OK maildrop has 0 messages (0 octets)
C: NOOP
S: +OK
C: QUIT
S: +OK dewey POP3 server signing off (maildrop empty)
closed:
updated: 
