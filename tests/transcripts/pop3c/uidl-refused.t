# a server without UIDL
ask uidl
ask noop
S: +OK hello
C: CAPA
S: +OK
S: TOP
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: UIDL
S: -ERR unknown command
done uidl 0 refused 0 0 0 0 unknown command
C: NOOP
