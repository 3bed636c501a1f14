# a proxy tells who its client is (Postfix XCLIENT_README)
config xclient
policy xclient <192.0.2.66> 421 4.7.0 too many connections
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
S: 250-mx.example.org greets 192.0.2.1
S: 250-PIPELINING
S: 250-SIZE 1000000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-STARTTLS
S: 250-DSN
S: 250-LIMITS RCPTMAX=100
S: 250-XCLIENT NAME ADDR PORT PROTO HELO
S: 250 ENHANCEDSTATUSCODES
C: XCLIENT
S: 501 5.5.4 malformed parameter
C: XCLIENT ADDR=192.0.2.256
S: 501 5.5.4 malformed parameter
C: XCLIENT ADDR
S: 501 5.5.4 malformed parameter
C: XCLIENT COLOUR=red
S: 501 5.5.4 malformed parameter
C: XCLIENT HELO=a+0Db
S: 501 5.5.4 malformed parameter
C: XCLIENT PORT=65536
S: 501 5.5.4 malformed parameter
C: XCLIENT PROTO=HTTP
S: 501 5.5.4 malformed parameter
C: XCLIENT ADDR=192.0.2.9 PORT=1025 NAME=[UNAVAILABLE] HELO=spike+2Dx LOGIN=ann PROTO=ESMTP
S: 220 mx.example.org ESMTP ready
xclient 192.0.2.9 1025 - spike-x
user 
C: MAIL FROM:<a@b.example>
S: 503 5.5.1 say EHLO first
C: HELO c.example
S: 250 mx.example.org
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 sender ok
C: XCLIENT ADDR=192.0.2.10
S: 503 5.5.1 not within a transaction
C: RSET
S: 250 2.0.0 reset
C: XCLIENT ADDR=IPV6:2001:db8::1
S: 220 mx.example.org ESMTP ready
xclient 2001:db8::1 - - -
C: XCLIENT ADDR=192.0.2.66
S: 421 4.7.0 too many connections
closed:
