# a reply without an end
repeat: 501 220-x
closed:
close deferred greeting 0 4.5.0 the server does not speak SMTP
