# a small message goes with its envelope: one round trip (RFC 3030 4.2)
send - one@b.example
content x
content .y
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250-PIPELINING
S: 250-SIZE 1000
S: 250 CHUNKING
C: MAIL FROM:<> SIZE=7
C: RCPT TO:<one@b.example>
C: BDAT 7 LAST
C: x
C: .y
S: 250 ok
S: 250 ok
S: 250 2.0.0 queued
result 0 delivered end of message 250 2.0.0 queued
done 1
