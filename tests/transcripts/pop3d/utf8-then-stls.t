# STLS after UTF8 is refused (RFC 6856 2.1)
config tls available
S: +OK dewey POP3 server ready
C: UTF8
S: +OK UTF-8 mode
C: STLS
S: -ERR not after UTF8
C: QUIT
S: +OK dewey POP3 server signing off
