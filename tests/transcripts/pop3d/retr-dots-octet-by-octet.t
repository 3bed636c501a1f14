# The same when the message comes in pieces of one octet
policy piece 1
message aaa plain a: b\r\n\r\none\r\n
message bbb plain c: d\r\n\r\ntwo!\r\n
message ccc dots e: f\r\n\r\n.dot\r\n..\r\n.\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 3 messages (48 octets)
C: RETR 3
S: +OK 21 octets
S: e: f
S: 
S: ..dot
S: ...
S: ..
S: .
