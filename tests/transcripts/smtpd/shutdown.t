# the server stops between commands
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
shutdown
S: 421 4.3.2 the server is stopping, please come back
closed:
aborts 1
