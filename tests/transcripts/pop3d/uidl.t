# UIDLs as they are stored, or the text of the id; one that the protocol cannot carry gives way to the id
message whqtswO00WBw418f9t5JxYwZ plain x\r\n
message - plain x\r\n
message a\x20b plain x\r\n
message uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu plain x\r\n
message uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu plain x\r\n
message a\0b plain x\r\n
message \xc3\xa4 plain x\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 7 messages (21 octets)
C: UIDL
S: +OK 7 messages (21 octets)
S: 1 whqtswO00WBw418f9t5JxYwZ
S: 2 00000000000000000000000001
S: 3 00000000000000000000000002
S: 4 uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu
S: 5 00000000000000000000000004
S: 6 00000000000000000000000005
S: 7 00000000000000000000000006
S: .
C: UIDL 4
S: +OK 4 uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu
C: UIDL 5
S: +OK 5 00000000000000000000000004
