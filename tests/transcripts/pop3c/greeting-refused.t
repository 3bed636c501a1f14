# a refusal with its code (RFC 2449 8)
S: -ERR [SYS/TEMP] come back later
C: QUIT
closed:
close refused 3 come back later
