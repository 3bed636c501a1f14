# over 32 KiB: not before somebody is to get it; chunks of 1 MiB
config piece 65536
send a@a.example one@b.example,two@b.example
content-fill 16385 01234567890123456789012345678901234567890123456789012345678901
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-PIPELINING
S: 250 CHUNKING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<one@b.example>
C: RCPT TO:<two@b.example>
S: 250 ok
S: 450 4.2.0 no
S: 250 ok
C: BDAT 1048576
C*: 16384 01234567890123456789012345678901234567890123456789012345678901
C: BDAT 64 LAST
C: 01234567890123456789012345678901234567890123456789012345678901
S: 250 ok
S: 250 2.0.0 thanks
result 0 deferred RCPT 450 4.2.0 no
result 1 delivered end of message 250 2.0.0 thanks
