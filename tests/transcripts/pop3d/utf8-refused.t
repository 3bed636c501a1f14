# A message that needs UTF8 can be refused with the code of RFC 6856 5
message aaa plain a: b\r\n\r\none\r\n
S: +OK dewey POP3 server ready
C: USER mrose
C: PASS secret
S: +OK send PASS
S: +OK maildrop has 1 message (13 octets)
policy body UTF8 the message has a UTF-8 header, use UTF8
C: RETR 1
S: -ERR [UTF8] the message has a UTF-8 header, use UTF8
C: TOP 1 0
S: -ERR [UTF8] the message has a UTF-8 header, use UTF8
