# Decimal digits and nothing else
config errors 3 100
message aaa plain a: b\r\n\r\none\r\n
message bbb plain c: d\r\n\r\ntwo!\r\n
message ccc dots e: f\r\n\r\n.dot\r\n..\r\n.\r\n
S: +OK dewey POP3 server ready
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 3 messages (48 octets)
C: LIST -1
S: -ERR message numbers are decimal
C: LIST +1
S: -ERR message numbers are decimal
C: LIST 1a
S: -ERR message numbers are decimal
C: LIST 0x1
S: -ERR message numbers are decimal
C: LIST 1:
S: -ERR message numbers are decimal
C: LIST 1.0
S: -ERR message numbers are decimal
C: LIST ١
S: -ERR message numbers are decimal
C: UIDL -1
S: -ERR message numbers are decimal
C: UIDL +1
S: -ERR message numbers are decimal
C: UIDL 1a
S: -ERR message numbers are decimal
C: UIDL 0x1
S: -ERR message numbers are decimal
C: UIDL 1:
S: -ERR message numbers are decimal
C: UIDL 1.0
S: -ERR message numbers are decimal
C: UIDL ١
S: -ERR message numbers are decimal
C: RETR -1
S: -ERR message numbers are decimal
C: RETR +1
S: -ERR message numbers are decimal
C: RETR 1a
S: -ERR message numbers are decimal
C: RETR 0x1
S: -ERR message numbers are decimal
C: RETR 1:
S: -ERR message numbers are decimal
C: RETR 1.0
S: -ERR message numbers are decimal
C: RETR ١
S: -ERR message numbers are decimal
C: DELE -1
S: -ERR message numbers are decimal
C: DELE +1
S: -ERR message numbers are decimal
C: DELE 1a
S: -ERR message numbers are decimal
C: DELE 0x1
S: -ERR message numbers are decimal
C: DELE 1:
S: -ERR message numbers are decimal
C: DELE 1.0
S: -ERR message numbers are decimal
C: DELE ١
S: -ERR message numbers are decimal
C: STAT
S: +OK 3 48
