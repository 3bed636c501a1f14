# LF.LF, LF.CRLF and CRLF.LF are parts of the message: nobody ends it before its time, and puts
# responses behind
ask retr 1
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
C: RETR 1
S: +OK
hex: 61 0a 2e 0a 62 0a 2e 0d 0a 63 0d 0a 2e 0a
S: +OK not a response
S: .
done retr 1 ok 0 33 0 0 
C: NOOP
