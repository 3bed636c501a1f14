# not a msg-id: 8-bit octets chosen for MD5 (CVE-2007-1558)
config login apop
hex: 2b 4f 4b 20 3c 80 81 40 82 3e 0d 0a
C: CAPA
S: -ERR
C: APOP joe c4c9334bac560ecc979e58001b3e22fb
