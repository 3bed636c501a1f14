# old servers
S: +ok hello
C: CAPA
S: -err
C: USER joe
