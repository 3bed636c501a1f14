# more behind the numbers is allowed (RFC 1939 5)
ask stat
S: +OK hello
C: CAPA
S: +OK
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: STAT
S: +OK 1 99999999999 and more
done stat 0 ok 1 99999999999 0 0 1 99999999999 and more
