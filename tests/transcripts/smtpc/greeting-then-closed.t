# a whole refusal counts, although the connection has ended
S: 554 5.7.1 blocked
C: QUIT
server-closes
closed:
close failed greeting 554 5.7.1 blocked
