# and before the reply to HELO, which offers nothing
mode: whole
S: 220 mx.example.org ESMTP ready
C: HELO c.example
C: MAIL FROM:<a@b.example>
S: 554 5.5.0 you spoke before the reply
closed:
