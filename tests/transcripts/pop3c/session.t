# a whole session, one command at a time
ask stat
ask list
ask uidl
ask retr 1
ask dele 1
ask quit
S: +OK hello
C: CAPA
S: -ERR what
offers 0 0
C: USER joe
S: +OK
C: PASS se cret
S: +OK joe's maildrop
logged-in
C: STAT
S: +OK 2 320
done stat 0 ok 2 320 0 0 2 320
C: LIST
S: +OK 2 messages
S: 1 120
S: 2 200 more
S: .
row 1 120
row 2 200
done list 0 ok 2 0 0 0 2 messages
C: UIDL
S: +OK
S: 1 whqtswO00WBw418f9t5JxYwZ
S: 2 QhdPYR:00WBw1Ph7x7
S: .
row 1 whqtswO00WBw418f9t5JxYwZ
row 2 QhdPYR:00WBw1Ph7x7
done uidl 0 ok 2 0 0 0 
C: RETR 1
S: +OK 120 octets
S: Subject: x
S: 
S: ..dot
S: ...
S: end
S: .
body: Subject: x
body: 
body: .dot
body: ..
body: end
end-of-body:
done retr 1 ok 0 29 0 0 120 octets
C: DELE 1
S: +OK deleted
done dele 1 ok 0 0 0 0 deleted
C: QUIT
S: +OK bye
done quit 0 ok 0 0 0 0 bye
closed:
close ok 0 bye
