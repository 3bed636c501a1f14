# RFC 5034 4: what is not base64 is rejected, not repaired
config errors 100 100
S: +OK dewey POP3 server ready
C: AUTH PLAIN =AAA
S: -ERR initial response is not base64
C: AUTH PLAIN AAA=BBB
S: -ERR initial response is not base64
C: AUTH PLAIN AAA
S: -ERR initial response is not base64
C: AUTH PLAIN A
S: -ERR initial response is not base64
C: AUTH PLAIN ====
S: -ERR initial response is not base64
C: AUTH PLAIN AA==AA==
S: -ERR initial response is not base64
C: AUTH PLAIN AG1y*3Nl
S: -ERR initial response is not base64
C: AUTH PLAIN *
S: -ERR initial response is not base64
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: =AAA
S: -ERR response is not base64
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: AAA=BBB
S: -ERR response is not base64
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: A
S: -ERR response is not base64
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C:  
S: -ERR response is not base64
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: =
S: -ERR response is not base64
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: **
S: -ERR response is not base64
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: * 
S: -ERR response is not base64
cancelled: 7
C: AUTH LOGIN
S: + VXNlcm5hbWU6
hex: 41 41 00 41 0d 0a
S: -ERR response is not base64
C: AUTH PLAIN AG1yb3NlAHNlY3JldA==
S: +OK maildrop has 0 messages (0 octets)
