# accepted for nobody: nobody has got it
send a@a.example joe@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-CHUNKING
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<joe@b.example>
C: BDAT 3 LAST
C: x
S: 250 ok
S: 450 4.2.0 no
S: 250 thanks
result 0 deferred RCPT 450 4.2.0 no
no-result
done 1
