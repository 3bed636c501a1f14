# The time before login is a whole one: commands do not extend it
S: +OK dewey POP3 server ready
time: +100s
C: CAPA
S: +OK capability list follows
S: TOP
S: UIDL
S: RESP-CODES
S: AUTH-RESP-CODE
S: PIPELINING
S: UTF8 USER
S: LANG
S: EXPIRE NEVER
S: USER
S: SASL PLAIN LOGIN SCRAM-SHA-256
S: .
C: USER mrose
S: +OK send PASS
time: +79s
C: USER mrose
S: +OK send PASS
time: +1s
closed:
