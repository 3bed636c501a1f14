# commands that lead nowhere
config errors 3 5
S: 220 mx.example.org ESMTP ready
repeat: 100 NOOP
S*: 100 250 2.0.0 ok
repeat: 5 RSET
S*: 4 250 2.0.0 reset
S: 421 4.7.0 too many commands without mail
closed:
