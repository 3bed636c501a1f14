# within TLS there is no falling back to what has no extensions
config tls-active
S: 220 b.example
C: EHLO c.example
S: 500 what
C: QUIT
closed:
close failed EHLO 500 5.0.0 what
