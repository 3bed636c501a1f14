# APOP is not offered: no timestamp in the greeting, a clean -ERR, and USER still works
S: +OK dewey POP3 server ready
C: APOP mrose c4c9334bac560ecc979e58001b3e22fb
S: -ERR APOP is not supported
C: APOP
S: -ERR APOP is not supported
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 0 messages (0 octets)
