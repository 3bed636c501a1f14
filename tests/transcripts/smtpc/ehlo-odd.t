# any case, unknown keywords, empty ones, AUTH in its old form, numbers that are none
S: 220 b.example
C: EHLO c.example
S: 250-SIZE 10
S: 250-pipelining
S: 250-
S: 250-X-ODD =  =
S: 250-SIZE many
S: 250-AUTH=PLAIN LOGIN
S: 250-LIMITS RCPTMAX=50 MAILMAX=x FOO =
S: 250 8BITMIME extra
ready 1
offers 327 0 50 0
