# the space that RFC 5321 3.3 forbids is taken
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: mail from: <a@b.example>
S: 250 2.1.0 sender ok
C: rcpt to:  <joe@example.org>   
S: 250 2.1.5 recipient ok
C: rset
S: 250 2.0.0 reset
aborts 1
C: QUIT
S: 221 2.0.0 goodbye
closed:
