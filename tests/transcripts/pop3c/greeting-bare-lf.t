# lines that end in LF only
hex: 2b 4f 4b 0a
C: CAPA
hex: 2d 45 52 52 0a
C: USER joe
