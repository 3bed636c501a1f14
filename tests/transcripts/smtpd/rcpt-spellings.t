# the owner is asked for the mailbox without its route, and the quotes stay
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<u%evil@us>
S: 250 2.1.5 recipient ok
C: RCPT TO:<@us,@b:u@evil>
S: 250 2.1.5 recipient ok
C: RCPT TO:<"u@evil"@us>
S: 250 2.1.5 recipient ok
C: RCPT TO:<us!evil!u@us>
S: 250 2.1.5 recipient ok
C: RCPT TO:<u@[192.0.2.25]>
S: 250 2.1.5 recipient ok
C: RCPT TO:<U@US>
S: 250 2.1.5 recipient ok
C: RCPT TO:<""@us>
S: 250 2.1.5 recipient ok
C: RCPT TO:<"a\"b"@us>
S: 250 2.1.5 recipient ok
C: RCPT TO:<${run{x}}@us>
S: 250 2.1.5 recipient ok
C: RCPT TO:<-oQ/tmp@us>
S: 250 2.1.5 recipient ok
C: RCPT TO:<u@[IPv6:2001:db8::1]>
S: 250 2.1.5 recipient ok
C: DATA
S: 354 end with CRLF.CRLF
C: .
S: 250 2.0.0 message accepted
envelope a@b.example u%evil@us,u@evil,"u@evil"@us,us!evil!u@us,u@[192.0.2.25],U@US,""@us,"a\"b"@us,${run{x}}@us,-oQ/tmp@us,u@[IPv6:2001:db8::1]
C: QUIT
S: 221 2.0.0 goodbye
closed:
