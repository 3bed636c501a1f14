# A message that ends before its row says so must not look whole: no dot, the connection closes
policy cut 8
policy piece 4
message aaa plain a: b\r\n\r\none\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 1 message (13 octets)
C: RETR 1
S: +OK 13 octets
S: a: b
S: 
closed:
no-update:
