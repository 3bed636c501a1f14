# Nobody knows whether UPDATE happened: what was answered before goes out, then the connection closes
message aaa plain a: b\r\n\r\none\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 1 message (13 octets)
policy update unknown
C: DELE 1
C: QUIT
S: +OK message 1 deleted
closed:
stats: retr 0 0 top 0 0 deleted 0 0
