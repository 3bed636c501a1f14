# A last line without CRLF gets one, so that the dot stands on a line of its own
message a plain x: y\r\n\r\nend
message b dots x: y\r\n\r\n.end
message c plain x: y\r\n\r\nend\r
message d plain x: y\r\n
message e plain a
message f dots .
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 6 messages (43 octets)
C: RETR 1
S: +OK 11 octets
S: x: y
S: 
S: end
S: .
C: RETR 2
S: +OK 12 octets
S: x: y
S: 
S: ..end
S: .
C: RETR 3
S: +OK 12 octets
S: x: y
S: 
S: end
S: .
C: RETR 4
S: +OK 6 octets
S: x: y
S: .
C: RETR 5
S: +OK 1 octets
S: a
S: .
C: RETR 6
S: +OK 1 octets
S: ..
S: .
