# What follows AUTH waits until it is decided
message aaa plain a: b\r\n\r\none\r\n
S: +OK dewey POP3 server ready
C: AUTH PLAIN AG1yb3NlAHNlY3JldA==
C: STAT
C: QUIT
S: +OK maildrop has 1 message (13 octets)
S: +OK 1 13
S: +OK dewey POP3 server signing off (1 message left)
closed:
