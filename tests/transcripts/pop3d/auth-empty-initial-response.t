# "=" is an empty response, which PLAIN cannot use; none at all asks for a challenge
S: +OK dewey POP3 server ready
C: AUTH PLAIN =
S: -ERR [AUTH] invalid user name or password
C: AUTH LOGIN =
S: + UGFzc3dvcmQ6
C: c2VjcmV0
S: -ERR [AUTH] invalid user name or password
