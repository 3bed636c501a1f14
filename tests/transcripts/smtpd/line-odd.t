# bare CR, LF and NUL end no command
S: 220 mx.example.org ESMTP ready
hex: 4e 4f 4f 50 0a 51 55 49 54 0d 0a
S: 500 5.5.2 bare CR, LF or NUL in a command
hex: 4e 4f 4f 50 0d 51 55 49 54 0d 0a
S: 500 5.5.2 bare CR, LF or NUL in a command
hex: 4e 4f 00 4f 50 0d 0a
S: 500 5.5.2 bare CR, LF or NUL in a command
hex: 0d 0a
S: 500 5.5.1 unknown command
C:  NOOP
S: 500 5.5.1 unknown command
C: NOOP 	 
S: 250 2.0.0 ok
C: FOO
S: 500 5.5.1 unknown command
C: QUIT
S: 221 2.0.0 goodbye
closed:
