#!/usr/bin/env python3
"""Makes a C header of a text file.  Usage: embed.py NAME IN OUT"""

import sys

name, source, target = sys.argv[1:]
with open(source, 'rb') as f:
    lines = f.read().splitlines(keepends=True)
with open(target, 'w', encoding='ascii') as f:
    f.write(f'static const char {name}[] =\n')
    for line in lines:
        # Octal: three digits always end the escape, whatever follows.
        text = ''.join(chr(c) if 0x20 <= c < 0x7f and c not in b'"\\?' else f'\\{c:03o}' for c in line)
        f.write(f'\t"{text}"\n')
    f.write('\t;\n')
