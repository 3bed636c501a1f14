hex: 2b 4f
time: +59s
hex: 4b
time: +1s
closed:
close broken 0 the server did not answer in time
