# 421 in a burst: those without a result get it, and the session is over
send a@a.example one@b.example,two@b.example,three@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<one@b.example>
C: RCPT TO:<two@b.example>
C: RCPT TO:<three@b.example>
C: DATA
S: 250 ok
S: 250 ok
S: 550 5.1.1 who?
S: 421 4.4.5 too busy
result 1 failed RCPT 550 5.1.1 who?
result 0 deferred RCPT 421 4.4.5 too busy
result 2 deferred RCPT 421 4.4.5 too busy
done 1
closed:
close deferred RCPT 421 4.4.5 too busy
