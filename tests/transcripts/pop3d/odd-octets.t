# NUL, bare LF and bare CR never pass for anything
config errors 100 100
S: +OK dewey POP3 server ready
hex: 55 53 45 52 00 0d 0a
S: -ERR bare CR, bare LF or NUL in the line
hex: 00 0d 0a
S: -ERR bare CR, bare LF or NUL in the line
hex: 43 41 50 41 0a 51 55 49 54 0a 0d 0a   # CAPA LF QUIT LF CRLF: one line, none of both
S: -ERR bare CR, bare LF or NUL in the line
hex: 51 55 49 54 0d 0d 0a
S: -ERR bare CR, bare LF or NUL in the line
hex: ff fe 80 0d 0a
S: -ERR unknown command
C: QUIT
S: +OK dewey POP3 server signing off
closed:
