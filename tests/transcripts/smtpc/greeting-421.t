# 421: the server closes, no QUIT
S: 421 4.3.2 later
closed:
close deferred greeting 421 4.3.2 later
