# TOP asks for no more of a message than it needs
policy piece 10
message a plain h1: x\r\n\r\n0123456789\r\n0123456789\r\n0123456789\r\n0123456789\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 1 message (57 octets)
C: TOP 1 0
S: +OK top of message follows
S: h1: x
S: 
S: .
read-to: 10
C: TOP 1 1
S: +OK top of message follows
S: h1: x
S: 
S: 0123456789
S: .
read-to: 30
