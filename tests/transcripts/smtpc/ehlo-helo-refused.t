# neither EHLO nor HELO
S: 220 b.example
C: EHLO c.example
S: 502 5.5.1 unknown
C: HELO c.example
S: 550 5.7.1 I do not like you
C: QUIT
closed:
close failed EHLO 550 5.7.1 I do not like you
