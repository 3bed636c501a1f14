# XCLIENT is for those the owner trusts
S: +OK dewey POP3 server ready
C: XCLIENT ADDR=192.0.2.9
S: -ERR unknown command
