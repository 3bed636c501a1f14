# a host name that is none
S: 220 mx.example.org ESMTP ready
C: HELO
S: 501 5.5.4 a host name is missing or malformed
C: EHLO
S: 501 5.5.4 a host name is missing or malformed
C: EHLO a b
S: 501 5.5.4 a host name is missing or malformed
hex: 45 48 4c 4f 20 61 01 62 0d 0a
S: 501 5.5.4 a host name is missing or malformed
hex: 45 48 4c 4f 20 c3 0d 0a # cut inside UTF-8
S: 501 5.5.4 a host name is missing or malformed
C: MAIL FROM:<>
S: 503 5.5.1 say EHLO first
