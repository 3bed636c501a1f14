# nor do lines without an end of the reply
S: 220-a
time: +200s
S: 220-b
time: +100s
closed:
close deferred greeting 0 4.4.2 the server did not answer in time
