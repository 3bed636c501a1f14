ask list
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
C: LIST
S: -ERR [SYS/TEMP] busy
done list 0 refused 0 0 0 3 busy
C: NOOP
