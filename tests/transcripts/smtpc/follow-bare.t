# what is wrong with the message before is nothing to the next one
send a@a.example joe@b.example
content-bare x CR x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: DATA
follow a@a.example ann@b.example
S: 250 ok
S: 250 ok
S: 354 go
result 0 failed message 0 5.6.0 bare CR or LF in the message
result 0 deferred between messages 0 4.4.2 the server closed the connection
done 2
closed:
