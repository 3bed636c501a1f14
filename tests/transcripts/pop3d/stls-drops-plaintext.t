# What stands behind STLS in the same segment is never executed (CVE-2011-0411 and kin)
config tls available
config cleartext
S: +OK dewey POP3 server ready
C: USER mrose
C: STLS
C: PASS secret
C: QUIT
S: +OK send PASS
S: +OK begin TLS negotiation
tls: started
C: PASS secret
S: -ERR send USER first
C: USER mrose
S: +OK send PASS
C: PASS secret
S: +OK maildrop has 0 messages (0 octets)
