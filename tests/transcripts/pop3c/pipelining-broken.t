# the server reads one command at a time and drops the rest: told with `pipelined`
ask stat
ask noop
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
C: STAT
C: NOOP
C: NOOP
S: +OK 0 0
done stat 0 ok pipelined 0 0 0 0 0 0
time: +60s
done noop 0 broken pipelined 0 0 0 0 the server did not answer in time
done noop 0 broken pipelined 0 0 0 0 the server did not answer in time
closed:
close broken pipelined 0 the server did not answer in time
