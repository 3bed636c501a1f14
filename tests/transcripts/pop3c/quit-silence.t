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
time: +60s
done quit 0 broken 0 0 0 0 the server did not answer in time
closed:
