# a host that takes no mail (RFC 7504)
S: 521 5.3.2 go away
C: QUIT
closed:
close failed greeting 521 5.3.2 go away
