# LIST and UIDL keep their numbers after DELE; nothing is renumbered
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
C: LIST
S: +OK 2 messages (34 octets)
S: 1 13
S: 3 21
S: .
C: UIDL
S: +OK 2 messages (34 octets)
S: 1 aaa
S: 3 ccc
S: .
C: STAT
S: +OK 2 34
C: LIST 3
S: +OK 3 21
C: UIDL 3
S: +OK 3 ccc
C: DELE 1
S: +OK message 1 deleted
C: LIST
S: +OK 1 message (21 octets)
S: 3 21
S: .
C: QUIT
S: +OK dewey POP3 server signing off (1 message left)
closed:
updated: 1 2
stats: retr 0 0 top 0 0 deleted 2 27
