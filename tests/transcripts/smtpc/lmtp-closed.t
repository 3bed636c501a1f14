# those without a reply may have it
config lmtp
send a@a.example one@b.example,two@b.example
content x
S: 220 b.example LMTP
C: LHLO c.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
S: 250 ok
C: RCPT TO:<one@b.example>
S: 250 ok
C: RCPT TO:<two@b.example>
S: 250 ok
C: DATA
S: 354 go
C: x
C: .
S: 250 2.0.0 one has it
server-closes
result 0 delivered end of message 250 2.0.0 one has it
result 1 unknown end of message 0 4.4.2 the server closed the connection
closed:
