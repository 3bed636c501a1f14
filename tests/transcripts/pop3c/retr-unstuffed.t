# a line with a dot that was not doubled: the dot goes, as RFC 1939 3 has it
ask retr 1
S: +OK hello
C: CAPA
S: +OK
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: RETR 1
S: +OK
S: .x
S: .
body: x
done retr 1 ok 0 3 0 0 
