# The rows cannot be read: -ERR, nothing marked, and the next command tries again
message aaa plain a: b\r\n\r\none\r\n
message bbb plain c: d\r\n\r\ntwo!\r\n
message ccc dots e: f\r\n\r\n.dot\r\n..\r\n.\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 3 messages (48 octets)
policy listing SYS/TEMP try again later
C: LIST
S: -ERR [SYS/TEMP] try again later
C: LIST 1
S: -ERR [SYS/TEMP] try again later
C: UIDL
S: -ERR [SYS/TEMP] try again later
C: UIDL 1
S: -ERR [SYS/TEMP] try again later
C: RETR 1
S: -ERR [SYS/TEMP] try again later
C: TOP 1 0
S: -ERR [SYS/TEMP] try again later
C: DELE 1
S: -ERR [SYS/TEMP] try again later
C: STAT
S: +OK 3 48
policy listing ok
C: LIST 1
S: +OK 1 13
C: QUIT
S: +OK dewey POP3 server signing off (3 messages left)
closed:
updated: 
