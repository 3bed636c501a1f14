# RSET unmarks; nothing is deleted by the QUIT that follows
message aaa plain a: b\r\n\r\none\r\n
message bbb plain c: d\r\n\r\ntwo!\r\n
message ccc dots e: f\r\n\r\n.dot\r\n..\r\n.\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 3 messages (48 octets)
C: RSET
S: +OK maildrop has 3 messages (48 octets)
C: DELE 1
S: +OK message 1 deleted
C: DELE 3
S: +OK message 3 deleted
C: STAT
S: +OK 1 14
C: RSET
S: +OK maildrop has 3 messages (48 octets)
C: LIST
S: +OK 3 messages (48 octets)
S: 1 13
S: 2 14
S: 3 21
S: .
C: RETR 1
S: +OK 13 octets
S: a: b
S: 
S: one
S: .
C: QUIT
S: +OK dewey POP3 server signing off (3 messages left)
closed:
updated: 
stats: retr 1 13 top 0 0 deleted 0 0
