# What comes after QUIT is not looked at
message aaa plain a: b\r\n\r\none\r\n
message bbb plain c: d\r\n\r\ntwo!\r\n
message ccc dots e: f\r\n\r\n.dot\r\n..\r\n.\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 3 messages (48 octets)
C: QUIT
C: DELE 1
C: QUIT
S: +OK dewey POP3 server signing off (3 messages left)
closed:
updated: 
