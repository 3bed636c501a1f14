# Many commands in one segment (RFC 2449 6.6)
message aaa plain a: b\r\n\r\none\r\n
message bbb plain c: d\r\n\r\ntwo!\r\n
message ccc dots e: f\r\n\r\n.dot\r\n..\r\n.\r\n
S: +OK dewey POP3 server ready
C: USER mrose
C: PASS secret
C: STAT
C: LIST
C: RETR 1
C: RETR 3
C: DELE 1
C: RETR 1
C: UIDL
C: TOP 2 1
C: QUIT
C: NOOP
S: +OK send PASS
S: +OK maildrop has 3 messages (48 octets)
S: +OK 3 48
S: +OK 3 messages (48 octets)
S: 1 13
S: 2 14
S: 3 21
S: .
S: +OK 13 octets
S: a: b
S: 
S: one
S: .
S: +OK 21 octets
S: e: f
S: 
S: ..dot
S: ...
S: ..
S: .
S: +OK message 1 deleted
S: -ERR message 1 already deleted
S: +OK 2 messages (35 octets)
S: 2 bbb
S: 3 ccc
S: .
S: +OK top of message follows
S: c: d
S: 
S: two!
S: .
S: +OK dewey POP3 server signing off (2 messages left)
closed:
updated: 1
stats: retr 2 34 top 1 14 deleted 1 13
