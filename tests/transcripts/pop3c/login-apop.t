# RFC 1939 7
config login apop
S: +OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>
C: CAPA
S: -ERR
timestamp <1896.697170952@dbc.mtview.ca.us>
C: APOP joe c4c9334bac560ecc979e58001b3e22fb
S: +OK maildrop has 1 message
logged-in
