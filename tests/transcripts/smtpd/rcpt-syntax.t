# recipient addresses that are none
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<>
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<@>
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<""@x
S: 501 5.1.3 malformed recipient address
C: RCPT TO:u@us
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<u@evil@us>
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<us!evil!u>
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<u@us.>
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<u@.us>
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<u@us..x>
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<a b@us>
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<"\">
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<u@[192.0.2]>
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<u@[300.1.1.1]>
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<@us,@b>
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<@us,b:u@evil>
S: 501 5.1.3 malformed recipient address
C: RCPT TO: <u@us
S: 501 5.1.3 malformed recipient address
C: RCPT TO:<u@us> <v@us>
S: 501 5.5.4 malformed parameter
C: RCPT TO:<u@us>x
S: 501 5.5.4 malformed parameter
C: RCPT TO:<u;x@-us>
S: 501 5.1.3 malformed recipient address
hex: 52 43 50 54 20 54 4f 3a 3c 75 40 c3 a4 e2 82 3e 0d 0a
S: 501 5.1.3 malformed recipient address
hex: 52 43 50 54 20 54 4f 3a 3c 75 01 40 75 73 3e 0d 0a
S: 501 5.1.3 malformed recipient address
hex: 52 43 50 54 20 54 4f 3a 3c 75 40 75 73 00 3e 0d 0a
S: 500 5.5.2 bare CR, LF or NUL in a command
C: RCPT FROM:<u@us>
S: 501 5.5.2 expected RCPT TO:<address>
C: RCPT
S: 501 5.5.2 expected RCPT TO:<address>
C: QUIT
S: 221 2.0.0 goodbye
closed:
aborts 1
