# each refusal asks again; the owner has three attempts
config auth plain
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 AUTH PLAIN
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
S: 535 5.7.8 wrong
auth-failed 535 5.7.8 wrong
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
S: 454 4.7.0 later
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
S: 534 5.7.9 too weak
auth-failed 534 5.7.9 too weak
C: QUIT
S: 221 bye
closed:
close nothing QUIT 0 2.0.0 
ready 0
