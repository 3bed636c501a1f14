ask dele 1
ask rset
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
C: DELE 1
S: +OK
C: RSET
S: +OK
done dele 1 ok 0 0 0 0 
done rset 0 ok 0 0 0 0 
C: NOOP
