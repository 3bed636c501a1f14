# no SMTP service here (RFC 5321 3.1)
S: 554-no
S: 554 service
C: QUIT
closed:
close failed greeting 554 5.0.0 no service
