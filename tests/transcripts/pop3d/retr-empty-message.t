# A message of no octets
message a plain 
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 1 message (0 octets)
C: LIST
S: +OK 1 message (0 octets)
S: 1 0
S: .
C: RETR 1
S: +OK 0 octets
S: .
C: TOP 1 5
S: +OK top of message follows
S: .
