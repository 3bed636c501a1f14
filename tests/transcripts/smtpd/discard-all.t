# nothing at all is offered
config discard 2047
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
S: 250 mx.example.org greets 192.0.2.1
C: NOOP
S: 250 2.0.0 ok
