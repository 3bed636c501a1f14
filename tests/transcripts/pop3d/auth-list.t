# AUTH alone lists the mechanisms; one that is not among them is refused, -PLUS without a binding too
S: +OK dewey POP3 server ready
C: AUTH
S: +OK mechanisms follow
S: PLAIN
S: LOGIN
S: SCRAM-SHA-256
S: .
C: AUTH CRAM-MD5
S: -ERR mechanism is not supported
C: AUTH SCRAM-SHA-256-PLUS
S: -ERR mechanism is not supported
C: AUTH PLAI
S: -ERR mechanism is not supported
C: AUTH scram-sha-256
S: + 
C: *
S: -ERR authentication cancelled
