# TOP counts body lines only (others count from the first header line)
message a plain h1: x\r\nh2: y\r\n\r\none\r\ntwo\r\nthree\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 1 message (33 octets)
C: TOP 1 2
S: +OK top of message follows
S: h1: x
S: h2: y
S: 
S: one
S: two
S: .
C: TOP 1 1
S: +OK top of message follows
S: h1: x
S: h2: y
S: 
S: one
S: .
C: TOP 1 3
S: +OK top of message follows
S: h1: x
S: h2: y
S: 
S: one
S: two
S: three
S: .
C: TOP 1 99999
S: +OK top of message follows
S: h1: x
S: h2: y
S: 
S: one
S: two
S: three
S: .
stats: retr 0 0 top 4 113 deleted 0 0
