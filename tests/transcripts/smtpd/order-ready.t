# after EHLO, without MAIL
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: RCPT TO:<a@b>
S: 503 5.5.1 say MAIL first
C: DATA
S: 503 5.5.1 say MAIL first
C: BDAT 0
S: 503 5.5.1 BDAT is not possible now
C: VRFY
S: 501 5.5.4 expected a name
C: NOOP with words
S: 250 2.0.0 ok
C: RSET now
S: 501 5.5.4 no parameter is allowed here
C: QUIT now
S: 501 5.5.4 no parameter is allowed here
C: QUIT
S: 221 2.0.0 goodbye
closed:
