# commands sent before the reply to EHLO end a stranger's session (RFC 2920 3.1)
mode: whole
S: 220 mx.example.org ESMTP ready
C: EHLO c.example
C: MAIL FROM:<a@b.example>
S: 554 5.5.0 you spoke before the reply
closed:
messages 0
