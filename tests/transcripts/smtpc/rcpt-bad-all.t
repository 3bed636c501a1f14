# only bad addresses
send a@a.example t>wo@b.example
content x
S: 220 b.example ESMTP
C: EHLO c.example
S: 250 b.example
C: MAIL FROM:<a@a.example>
S: 250 ok
result 0 failed RCPT 0 5.1.3 the address cannot be said in SMTP
done 1
send a@a.example ann@b.example
C: RSET
S: 250 ok
C: MAIL FROM:<a@a.example>
