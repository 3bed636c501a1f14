# mail that is held back (RFC 4865): one of two ways, and not longer than announced
config role submission
config tls-active
config hold-days 30
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
S: 250-mx.example.org greets 192.0.2.1
S: 250-PIPELINING
S: 250-SIZE 1000000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-AUTH PLAIN LOGIN SCRAM-SHA-256
S: 250-DSN
S: 250-LIMITS RCPTMAX=100
S: 250-FUTURERELEASE 2592000 2026-12-22T00:00:00Z
S: 250 ENHANCEDSTATUSCODES
C: AUTH PLAIN AGpvZQBzZWNyZXQ=
S: 235 2.7.0 authenticated
C: MAIL FROM:<joe@example.org> HOLDFOR=3600
S: 250 2.1.0 sender ok
C: RCPT TO:<a@b.example>
S: 250 2.1.5 recipient ok
dsn 0 - for=3600 0 -
C: RSET
S: 250 2.0.0 reset
C: MAIL FROM:<joe@example.org> HOLDUNTIL=2026-11-23T01:00:00+01:00
S: 250 2.1.0 sender ok
C: RCPT TO:<a@b.example>
S: 250 2.1.5 recipient ok
dsn 0 - until=1795392000000 0 -
C: RSET
S: 250 2.0.0 reset
C: MAIL FROM:<joe@example.org> HOLDUNTIL=2026-12-22T00:00:00Z
S: 250 2.1.0 sender ok
C: RSET
S: 250 2.0.0 reset
C: MAIL FROM:<joe@example.org> HOLDFOR=2592000
S: 250 2.1.0 sender ok
C: RSET
S: 250 2.0.0 reset
C: MAIL FROM:<joe@example.org> HOLDUNTIL=2026-12-22T00:00:01Z
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<joe@example.org> HOLDFOR=2592001
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<joe@example.org> HOLDFOR=60 HOLDUNTIL=2026-11-23T00:00:00Z
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<joe@example.org> HOLDFOR=60 HOLDFOR=60
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<joe@example.org> HOLDFOR=0
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<joe@example.org> HOLDFOR=0000000060
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<joe@example.org> HOLDUNTIL=2026-11-23
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<joe@example.org> HOLDUNTIL=2026-13-23T00:00:00Z
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<joe@example.org> HOLDUNTIL=2026-11-23T00:00:00Zx
S: 501 5.5.4 malformed parameter
C: MAIL FROM:<joe@example.org> HOLDFOR
S: 501 5.5.4 malformed parameter
