# With the workaround each NUL becomes 0x80: as many octets as announced
config nuls
policy direct
message aaa plain a: \0b\r\n\r\n\0\r\n
S: +OK dewey POP3 server ready
C: USER mrose
C: PASS secret
S: +OK send PASS
S: +OK maildrop has 1 message (12 octets)
C: RETR 1
S: +OK 12 octets
S: a: €b
S: 
S: €
S: .
