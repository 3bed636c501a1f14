# Whatever names a deleted message is -ERR (RFC 1939 5)
message aaa plain a: b\r\n\r\none\r\n
message bbb plain c: d\r\n\r\ntwo!\r\n
message ccc dots e: f\r\n\r\n.dot\r\n..\r\n.\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 3 messages (48 octets)
C: DELE 2
S: +OK message 2 deleted
C: DELE 2
S: -ERR message 2 already deleted
C: RETR 2
S: -ERR message 2 already deleted
C: TOP 2 0
S: -ERR message 2 already deleted
C: LIST 2
S: -ERR message 2 already deleted
C: UIDL 2
S: -ERR message 2 already deleted
C: STAT
S: +OK 2 34
C: QUIT
S: +OK dewey POP3 server signing off (2 messages left)
updated: 2
