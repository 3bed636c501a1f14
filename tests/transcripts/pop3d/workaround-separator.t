# With the workaround every header ends with an empty line, body or none; never a second one
config separator
message aaa plain a: b\r\n
message bbb plain a: b
message ccc plain a: b\r\n\r\n
message ddd plain a: b\r\n\r\none\r\n\r\n
message eee plain 
S: +OK dewey POP3 server ready
C: USER mrose
C: PASS secret
S: +OK send PASS
S: +OK maildrop has 5 messages (33 octets)
C: RETR 1
S: +OK 6 octets
S: a: b
S: 
S: .
C: RETR 2
S: +OK 4 octets
S: a: b
S: 
S: .
C: RETR 3
S: +OK 8 octets
S: a: b
S: 
S: .
C: RETR 4
S: +OK 15 octets
S: a: b
S: 
S: one
S: 
S: .
C: RETR 5
S: +OK 0 octets
S: 
S: .
C: TOP 1 0
S: +OK top of message follows
S: a: b
S: 
S: .
C: TOP 4 1
S: +OK top of message follows
S: a: b
S: 
S: one
S: .
