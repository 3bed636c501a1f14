# TOP stuffs dots, at any border between pieces
policy piece 1
message a dots .h: x\r\n\r\n.\r\n..\r\n.a\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 1 message (20 octets)
C: TOP 1 2
S: +OK top of message follows
S: ..h: x
S: 
S: ..
S: ...
S: .
C: TOP 1 9
S: +OK top of message follows
S: ..h: x
S: 
S: ..
S: ...
S: ..a
S: .
