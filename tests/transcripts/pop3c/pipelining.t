# three in flight, answered in order; more as they end
config window 3
ask stat
ask retr 1
ask retr 2
ask dele 1
ask quit
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
C: STAT
C: RETR 1
C: RETR 2
S: +OK 2 10
done stat 0 ok pipelined 2 10 0 0 2 10
C: DELE 1
S: +OK
S: a
S: .
done retr 1 ok pipelined 0 3 0 0 
body: a
C: QUIT
S: -ERR gone
S: +OK
S: +OK
done retr 2 refused pipelined 0 0 0 0 gone
done dele 1 ok pipelined 0 0 0 0 
done quit 0 ok pipelined 0 0 0 0 
closed:
