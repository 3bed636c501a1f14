# ETRN is not for strangers (RFC 1985 5.1)
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: ETRN example.org
S: 459 4.7.1 not allowed for you
