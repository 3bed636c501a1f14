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
hex: 61
time: +59s
hex: 62
time: +59s
time: +1s
done retr 1 broken 0 2 0 0 the server did not answer in time
closed:
