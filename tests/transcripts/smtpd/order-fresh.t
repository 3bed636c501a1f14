# before EHLO
S: 220 mx.example.org ESMTP ready
C: MAIL FROM:<a@b>
S: 503 5.5.1 say EHLO first
C: RCPT TO:<a@b>
S: 503 5.5.1 say EHLO first
C: DATA
S: 503 5.5.1 say EHLO first
C: AUTH PLAIN
S: 503 5.5.1 say EHLO first
C: BDAT 4 LAST
C: ab
S: 503 5.5.1 BDAT is not possible now
C: NOOP
S: 250 2.0.0 ok
C: RSET
S: 250 2.0.0 reset
C: VRFY joe
S: 252 2.0.0 send mail and see
C: EXPN list
S: 502 5.5.1 no lists are told
C: HELP
S: 214 2.0.0 see RFC 5321
C: QUIT
S: 221 2.0.0 goodbye
closed:
