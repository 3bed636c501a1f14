# commands that a submission server must not have (RFC 6409 5), and those of RFC 821 that are gone
config role submission
config tls-active
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: ETRN example.org
S: 500 5.5.1 unknown command
C: ATRN example.org
S: 500 5.5.1 unknown command
C: TURN
S: 500 5.5.1 unknown command
C: SEND FROM:<a@b.example>
S: 500 5.5.1 unknown command
