# a server without extensions: one command at a time
send a@a.example joe@b.example
content Subject: hi
content 
content .dots
S: 220 b.example SMTP
C: EHLO c.example
S: 500 what?
C: HELO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<joe@b.example>
S: 250 ok
C: DATA
S: 354 go
C: Subject: hi
C: 
C: ..dots
C: .
S: 250 taken
result 0 delivered end of message 250 2.0.0 taken
done 1
ready 2
quit
C: QUIT
S: 221 bye
closed:
close nothing QUIT 0 2.0.0 
