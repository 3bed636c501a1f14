# LHLO does not exist in SMTP
S: 220 mx.example.org ESMTP ready
C: LHLO c.example
S: 500 5.5.1 unknown command
