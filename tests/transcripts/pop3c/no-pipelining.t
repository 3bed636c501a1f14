# one at a time where it is not announced
ask noop
ask noop
S: +OK hello
C: CAPA
S: +OK
S: UIDL
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: NOOP
S: +OK
C: NOOP
