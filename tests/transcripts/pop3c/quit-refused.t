# some messages could not be deleted (RFC 1939 6)
ask quit
S: +OK hello
C: CAPA
S: +OK
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: QUIT
S: -ERR some deleted messages not removed
done quit 0 refused 0 0 0 0 some deleted messages not removed
closed:
close refused 0 some deleted messages not removed
