# A thousand commands at once
messages 3 a: b\r\n\r\none\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 3 messages (39 octets)
repeat: 1000 LIST 2
S*: 1000 +OK 2 13
repeat: 1000 NOOP
S*: 1000 +OK
