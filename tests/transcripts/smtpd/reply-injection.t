# an answer cannot hold a line end, however it got there
policy rcpt <a@b> 550 5.1.1 nosuch	one
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: RCPT TO:<a@b>
S: 550 5.1.1 no?such?one
C: QUIT
S: 221 2.0.0 goodbye
closed:
