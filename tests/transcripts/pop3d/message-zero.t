# Message 0 is no message; neither is one out of range
message aaa plain a: b\r\n\r\none\r\n
message bbb plain c: d\r\n\r\ntwo!\r\n
message ccc dots e: f\r\n\r\n.dot\r\n..\r\n.\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 3 messages (48 octets)
C: DELE 0
S: -ERR no such message, only 3 in maildrop
C: RETR 0
S: -ERR no such message, only 3 in maildrop
C: TOP 0 0
S: -ERR no such message, only 3 in maildrop
C: LIST 0
S: -ERR no such message, only 3 in maildrop
C: UIDL 0
S: -ERR no such message, only 3 in maildrop
C: DELE 00
S: -ERR no such message, only 3 in maildrop
C: RETR 00
S: -ERR no such message, only 3 in maildrop
C: TOP 00 0
S: -ERR no such message, only 3 in maildrop
C: LIST 00
S: -ERR no such message, only 3 in maildrop
C: UIDL 00
S: -ERR no such message, only 3 in maildrop
C: DELE 4
S: -ERR no such message, only 3 in maildrop
C: RETR 4
S: -ERR no such message, only 3 in maildrop
C: TOP 4 0
S: -ERR no such message, only 3 in maildrop
C: LIST 4
S: -ERR no such message, only 3 in maildrop
C: UIDL 4
S: -ERR no such message, only 3 in maildrop
C: DELE 4294967297
S: -ERR no such message, only 3 in maildrop
C: RETR 4294967297
S: -ERR no such message, only 3 in maildrop
C: TOP 4294967297 0
S: -ERR no such message, only 3 in maildrop
C: LIST 4294967297
S: -ERR no such message, only 3 in maildrop
C: UIDL 4294967297
S: -ERR no such message, only 3 in maildrop
C: DELE 18446744073709551616
S: -ERR no such message, only 3 in maildrop
C: RETR 18446744073709551616
S: -ERR no such message, only 3 in maildrop
C: TOP 18446744073709551616 0
S: -ERR no such message, only 3 in maildrop
C: LIST 18446744073709551616
S: -ERR no such message, only 3 in maildrop
C: UIDL 18446744073709551616
S: -ERR no such message, only 3 in maildrop
C: DELE 99999999999999999999999999
S: -ERR no such message, only 3 in maildrop
C: RETR 99999999999999999999999999
S: -ERR no such message, only 3 in maildrop
C: TOP 99999999999999999999999999 0
S: -ERR no such message, only 3 in maildrop
C: LIST 99999999999999999999999999
S: -ERR no such message, only 3 in maildrop
C: UIDL 99999999999999999999999999
S: -ERR no such message, only 3 in maildrop
C: STAT
S: +OK 3 48
C: RETR 01
S: +OK 13 octets
S: a: b
S: 
S: one
S: .
