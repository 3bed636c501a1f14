# the answer to another request
ask stat
ask retr 1
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
S: +OK message follows
done stat 0 broken pipelined 0 0 0 0 the server does not speak POP3
done retr 1 broken pipelined 0 0 0 0 the server does not speak POP3
closed:
