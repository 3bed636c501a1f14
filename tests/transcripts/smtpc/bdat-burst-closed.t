# everything was sent and little answered: who was refused is known, the others not
send a@a.example one@b.example,two@b.example,three@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-CHUNKING
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<one@b.example>
C: RCPT TO:<two@b.example>
C: RCPT TO:<three@b.example>
C: BDAT 3 LAST
C: x
S: 250 ok
S: 250 ok
S: 550 5.1.1 no
server-closes
result 1 failed RCPT 550 5.1.1 no
result 0 unknown RCPT 0 4.4.2 the server closed the connection
result 2 unknown RCPT 0 4.4.2 the server closed the connection
closed:
