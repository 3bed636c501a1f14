# A message that cannot be read at all is -ERR, and the session goes on
message aaa plain a: b\r\n\r\none\r\n
message bbb plain c: d\r\n\r\ntwo!\r\n
message ccc dots e: f\r\n\r\n.dot\r\n..\r\n.\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 3 messages (48 octets)
policy body SYS/TEMP message could not be read
C: RETR 1
S: -ERR [SYS/TEMP] message could not be read
C: TOP 1 0
S: -ERR [SYS/TEMP] message could not be read
policy body SYS/PERM message is damaged
C: RETR 2
S: -ERR [SYS/PERM] message is damaged
policy body ok
C: RETR 2
S: +OK 14 octets
S: c: d
S: 
S: two!
S: .
