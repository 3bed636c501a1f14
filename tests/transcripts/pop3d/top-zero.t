# TOP n 0 is the header and the blank line, not the whole message
message a plain h1: x\r\n\r\none\r\ntwo\r\n
message b plain \r\nno header\r\n
message c plain only: header\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 3 messages (46 octets)
C: TOP 1 0
S: +OK top of message follows
S: h1: x
S: 
S: .
C: TOP 2 0
S: +OK top of message follows
S: 
S: .
C: TOP 3 0
S: +OK top of message follows
S: only: header
S: .
