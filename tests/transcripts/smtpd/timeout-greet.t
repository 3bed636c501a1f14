# EHLO must come in time, however slowly octets drip
S: 220 mx.example.org ESMTP ready
time: +59s
hex: 45 48
time: +2s
S: 421 4.4.2 timed out
closed:
