# nothing for five minutes
time: +299s
time: +1s
closed:
close deferred greeting 0 4.4.2 the server did not answer in time
