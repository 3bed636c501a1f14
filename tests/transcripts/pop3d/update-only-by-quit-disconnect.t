# Errors that end the session do not delete
config errors 1 1
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
C: FOO
S: -ERR unknown command
closed:
no-update:
