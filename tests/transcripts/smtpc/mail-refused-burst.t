# the refusal of MAIL is for all, whatever is said to the rest of the burst
send a@a.example one@b.example,two@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250-b.example
S: 250 PIPELINING
C: MAIL FROM:<a@a.example>
C: RCPT TO:<one@b.example>
C: RCPT TO:<two@b.example>
C: DATA
S: 452 4.3.1 full
result 0 deferred MAIL 452 4.3.1 full
result 1 deferred MAIL 452 4.3.1 full
done 0
S: 503 5.5.1 MAIL first
S: 250 2.1.5 what
done 0
S: 503 5.5.1 no
done 1
no-result
send a@a.example ann@b.example
C: MAIL FROM:<a@a.example>
C: RCPT TO:<ann@b.example>
C: DATA
