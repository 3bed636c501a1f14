# a mail client that does so is served
config role submission
config tls-active
S: 220 mx.example.org ESMTP ready
C: HELO c.example
C: NOOP
S: 250 mx.example.org
S: 250 2.0.0 ok
