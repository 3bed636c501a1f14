# octets without an end do not buy time
hex: 32 32
time: +200s
hex: 30
time: +99s
hex: 20
time: +1s
closed:
close deferred greeting 0 4.4.2 the server did not answer in time
