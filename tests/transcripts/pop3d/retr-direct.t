# Messages without dot lines may go past the engine's buffer; the reply around them is the same
policy direct
policy piece 5
message aaa plain a: b\r\n\r\none\r\n
message bbb plain c: d\r\n\r\ntwo!\r\n
message ccc dots e: f\r\n\r\n.dot\r\n..\r\n.\r\n
message d plain x: y\r\n\r\nend
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 4 messages (59 octets)
C: RETR 1
S: +OK 13 octets
S: a: b
S: 
S: one
S: .
C: RETR 3
S: +OK 21 octets
S: e: f
S: 
S: ..dot
S: ...
S: ..
S: .
C: RETR 4
S: +OK 11 octets
S: x: y
S: 
S: end
S: .
C: TOP 1 0
S: +OK top of message follows
S: a: b
S: 
S: .
