config ignore 64
ask noop
ask noop
S: +OK hello
C: CAPA
S: +OK
S: PIPELINING
S: UIDL
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
offers 1 256
C: NOOP
S: +OK
C: NOOP
