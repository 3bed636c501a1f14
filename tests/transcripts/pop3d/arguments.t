# Too many, too few, empty ones, and a colon
config errors 100 100
S: +OK dewey POP3 server ready
C: USER
S: -ERR wrong number of arguments
C: USER 
S: -ERR wrong number of arguments
C: USER a b
S: -ERR wrong number of arguments
C: USER  a
S: -ERR wrong number of arguments
C: PASS
S: -ERR wrong number of arguments
C: PASS 
S: -ERR wrong number of arguments
C: STLS x
S: -ERR wrong number of arguments
C: CAPA x
S: -ERR wrong number of arguments
C: CAPA 
S: -ERR wrong number of arguments
C: QUIT x
S: -ERR wrong number of arguments
C: QUIT x y z
S: -ERR wrong number of arguments
C: AUTH PLAIN = =
S: -ERR wrong number of arguments
C: AUTH PLAIN 
S: -ERR wrong number of arguments
C: :
S: -ERR unknown command
C: USER:
S: -ERR unknown command
C: a:b c
S: -ERR unknown command
C:  USER a
S: -ERR unknown command
C: XTND
S: -ERR unknown command
C: U
S: -ERR unknown command
C: USERS a
S: -ERR unknown command
C: 
S: -ERR unknown command
C:   
S: -ERR unknown command
C: PASSsecret
S: -ERR unknown command
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 0 messages (0 octets)
C: STAT x
S: -ERR wrong number of arguments
C: STAT 
S: -ERR wrong number of arguments
C: LIST 1 2
S: -ERR wrong number of arguments
C: LIST 
S: -ERR wrong number of arguments
C: UIDL 1 2 3
S: -ERR wrong number of arguments
C: UIDL  1
S: -ERR wrong number of arguments
C: RETR
S: -ERR wrong number of arguments
C: RETR 1 2
S: -ERR wrong number of arguments
C: RETR 
S: -ERR wrong number of arguments
C: DELE
S: -ERR wrong number of arguments
C: DELE 1 2
S: -ERR wrong number of arguments
C: NOOP x
S: -ERR wrong number of arguments
C: RSET x y
S: -ERR wrong number of arguments
C: QUIT now
S: -ERR wrong number of arguments
C: :
S: -ERR unknown command
C: LIST: 1
S: -ERR unknown command
C: 
S: -ERR unknown command
C: LAST
S: -ERR unknown command
C: QUIT
S: +OK dewey POP3 server signing off (maildrop empty)
closed:
