time: +59s
time: +1s
closed:
close broken 0 the server did not answer in time
