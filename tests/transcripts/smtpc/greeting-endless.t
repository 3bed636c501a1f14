# a line without an end
fill: 65536 x
closed:
close deferred greeting 0 4.5.0 the server does not speak SMTP
