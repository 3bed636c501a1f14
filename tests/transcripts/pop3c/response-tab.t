hex: 2b 4f 4b 09 78 0d 0a
C: CAPA
