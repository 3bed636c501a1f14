ask retr 9
ask noop
S: +OK hello
C: CAPA
S: +OK
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: RETR 9
S: -ERR no such message
done retr 9 refused 0 0 0 0 no such message
C: NOOP
