# UTF8 USER: names and passwords are UTF-8 or nothing (RFC 6856 2.2, RFC 3629)
config errors 100 100
account mærøse sécret
S: +OK dewey POP3 server ready
hex: 55534552206df872e6730d0a
S: -ERR the name is not UTF-8
C: USER mærøse
S: +OK send PASS
hex: 504153532073e9637265740d0a
S: -ERR the password is not UTF-8
C: PASS sécret
S: +OK maildrop has 0 messages (0 octets)
