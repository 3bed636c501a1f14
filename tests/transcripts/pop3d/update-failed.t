# UPDATE that failed is -ERR, and the connection closes all the same (RFC 1939 6)
message aaa plain a: b\r\n\r\none\r\n
message bbb plain c: d\r\n\r\ntwo!\r\n
message ccc dots e: f\r\n\r\n.dot\r\n..\r\n.\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 3 messages (48 octets)
C: DELE 1
S: +OK message 1 deleted
policy update failed
C: QUIT
S: -ERR [SYS/TEMP] deleted messages not removed
closed:
no-update:
stats: retr 0 0 top 0 0 deleted 0 0
