# a browser talked into speaking to a mail server
S: 220 mx.example.org ESMTP ready
C: HEAD / HTTP/1.1
C: Host: mx
C: EHLO x
C: MAIL FROM:<a@b>
S: 421 4.7.0 this is a mail server
closed:
