# TOP wants a number and a non-negative count of lines, both decimal
config errors 3 100
message aaa plain a: b\r\n\r\none\r\n
message bbb plain c: d\r\n\r\ntwo!\r\n
message ccc dots e: f\r\n\r\n.dot\r\n..\r\n.\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 3 messages (48 octets)
C: TOP
S: -ERR wrong number of arguments
C: TOP 1
S: -ERR wrong number of arguments
C: TOP 1 
S: -ERR wrong number of arguments
C: TOP 1 2 3
S: -ERR wrong number of arguments
C: TOP 1 -1
S: -ERR the number of lines is decimal
C: TOP 1 +1
S: -ERR the number of lines is decimal
C: TOP 1 0x1
S: -ERR the number of lines is decimal
C: TOP 1 18446744073709551616
S: -ERR the number of lines is decimal
C: TOP 0 1
S: -ERR no such message, only 3 in maildrop
C: TOP 4 1
S: -ERR no such message, only 3 in maildrop
C: TOP 1 18446744073709551615
S: +OK top of message follows
S: a: b
S: 
S: one
S: .
