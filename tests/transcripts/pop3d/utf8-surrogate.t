# Without UTF8 the owner may send something else, dot-stuffed, and TOP counts its lines (RFC 6858 4)
message aaa plain a: b\r\n\r\none\r\n
policy surrogate .s: t\r\n\r\n.one\r\ntwo
S: +OK dewey POP3 server ready
C: USER mrose
C: PASS secret
S: +OK send PASS
S: +OK maildrop has 1 message (13 octets)
C: RETR 1
S: +OK message follows
S: ..s: t
S: 
S: ..one
S: two
S: .
C: TOP 1 1
S: +OK top of message follows
S: ..s: t
S: 
S: ..one
S: .
C: TOP 1 0
S: +OK top of message follows
S: ..s: t
S: 
S: .
C: LIST 1
S: +OK 1 13
stats: retr 1 18 top 2 24 deleted 0 0
