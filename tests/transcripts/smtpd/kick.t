# the administrator ends the session
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
kick
S: 421 4.3.2 the administrator ended this session
closed:
