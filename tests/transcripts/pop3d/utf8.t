# UTF8 (RFC 6856 2.1): before login only, no arguments, and then the message as it is
message aaa plain a: b\r\n\r\none\r\n
policy surrogate surrogate: yes\r\n\r\n.one\r\n
S: +OK dewey POP3 server ready
C: UTF8 USER
S: -ERR wrong number of arguments
C: UTF8
S: +OK UTF-8 mode
C: utf8
S: +OK UTF-8 mode
C: USER mrose
C: PASS secret
S: +OK send PASS
S: +OK maildrop has 1 message (13 octets)
C: UTF8
S: -ERR not after login
C: RETR 1
S: +OK 13 octets
S: a: b
S: 
S: one
S: .
