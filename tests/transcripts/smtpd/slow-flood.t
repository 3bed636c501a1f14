# five thousand pipelined commands: out is bounded
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
repeat: 5000 RCPT TO:<x
S*: 1999 501 5.1.3 malformed recipient address
S: 421 4.7.0 too many errors
closed:
