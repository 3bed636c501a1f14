# Everything behind "PASS " is the password (RFC 1939 7)
account mrose  two  words ä 
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS  two  words ä 
S: +OK maildrop has 0 messages (0 octets)
