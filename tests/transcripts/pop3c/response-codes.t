# unknown detail is ignored, unknown codes are text (RFC 2449 8)
ask dele 1
ask dele 2
ask dele 3
ask dele 4
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
S: -ERR [sys/perm/disk] broken
done dele 1 refused 0 0 0 4 broken
C: DELE 2
S: -ERR [SYS/OTHER] broken
done dele 2 refused 0 0 0 0 [SYS/OTHER] broken
C: DELE 3
S: -ERR [SYS/TEMPO] broken
done dele 3 refused 0 0 0 0 [SYS/TEMPO] broken
C: DELE 4
S: -ERR [IN-USE
done dele 4 refused 0 0 0 0 [IN-USE
