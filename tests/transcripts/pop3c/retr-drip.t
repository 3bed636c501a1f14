# an octet now and then does not hold us for ever
config request-max 100000
ask retr 1
S: +OK hello
C: CAPA
S: +OK
S: .
C: USER joe
S: +OK
C: PASS se cret
S: +OK
logged-in
C: RETR 1
S: +OK
hex: 61
time: +50s
hex: 62
time: +49s
hex: 63
time: +1s
done retr 1 broken 0 3 0 0 the server did not answer in time
closed:
