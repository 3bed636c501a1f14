# Three bad commands before login and the connection closes; pipelined ones are not looked at
S: +OK dewey POP3 server ready
C: FOO
C: STAT
C: LIST 1
C: USER mrose
C: QUIT
S: -ERR unknown command
S: -ERR log in first
S: -ERR log in first
closed:
