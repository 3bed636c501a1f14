# busy: QUIT, and nobody was asked for anything
S: 450 4.3.2 too busy
C: QUIT
closed:
close deferred greeting 450 4.3.2 too busy
