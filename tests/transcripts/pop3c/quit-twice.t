# behind QUIT nothing is asked
ask quit
ask noop
S: +OK hello
C: CAPA
S: +OK
S: PIPELINING
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: QUIT
S: +OK
done quit 0 ok 0 0 0 0 
closed:
nothing
