# Keywords do not know case (RFC 1939 3)
message aaa plain a: b\r\n\r\none\r\n
S: +OK dewey POP3 server ready
C: user mrose
S: +OK send PASS
C: Pass secret
S: +OK maildrop has 1 message (13 octets)
C: sTaT
S: +OK 1 13
C: top 1 0
S: +OK top of message follows
S: a: b
S: 
S: .
C: quit
S: +OK dewey POP3 server signing off (1 message left)
closed:
