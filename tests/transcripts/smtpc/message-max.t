# replies that come just in time, each: the message has a time of its own
config message-max 400000
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
time: +299s
S: 250 ok
C: RCPT TO:<joe@b.example>
time: +101s
result 0 deferred RCPT 0 4.4.2 the server did not answer in time
closed:
