# DELE, then silence for ten minutes: the session ends without UPDATE and without a word (RFC 1939 3)
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
time: +599s
C: NOOP
S: +OK
time: +599s
C: NOOP
S: +OK
time: +600s
closed:
no-update:
