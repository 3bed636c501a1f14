# how long a session idles is the owner's matter
S: +OK hello
C: CAPA
S: +OK
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
time: +3600s
ask noop
C: NOOP
S: +OK
done noop 0 ok 0 0 0 0 
