# commands behind an AUTH that brings its initial response (RFC 4954 4.1)
config role submission
config tls-active
S: 220 mx.example.org ESMTP ready
C: HELO c.example
S: 250 mx.example.org
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
C: MAIL FROM:<a@b.example>
C: RCPT TO:<joe@example.org>
S: 235 2.7.0 authenticated
S: 250 2.1.0 sender ok
S: 250 2.1.5 recipient ok
user joe
