# LANG (RFC 6856 3): list, lookup, "*", failure keeps what was; every later text follows
config language fr
message aaa plain a: b\r\n\r\none\r\n
S: +OK dewey POP3 server ready
C: LANG
S: +OK languages follow
S: i-default Default
S: en English
S: de Deutsch
S: fr français
S: zh 中文
S: .
C: LANG MUL
S: -ERR language is not available
C: LANG de-CH-1996
S: +OK de Sprache gewechselt
C: USER mrose
S: +OK weiter mit PASS
C: LANG uga
S: -ERR diese Sprache gibt es hier nicht
C: PASS secret
S: +OK 1 Nachricht im Postfach (13 Oktette)
C: LANG *
S: +OK fr langue changée
C: RETR 1
S: +OK 13 octets
S: a: b
S: 
S: one
S: .
C: LANG ZH
S: +OK zh 语言已切换
C: DELE 1
S: +OK 邮件 1 已删除
C: DELE 1
S: -ERR 邮件 1 早已删除
C: LANG de
S: +OK de Sprache gewechselt
C: LIST 2
S: -ERR keine solche Nachricht, nur 1 im Postfach
C: LANG a b
S: -ERR falsche Zahl von Argumenten
C: LANG i-default
S: +OK i-default language changed
C: LANG de-
S: +OK de Sprache gewechselt
C: QUIT
S: +OK dewey verabschiedet sich (Postfach leer)
updated: 1
