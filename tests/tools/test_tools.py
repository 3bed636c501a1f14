#!/usr/bin/env python3
"""The checks can fail: each is shown what it must refuse."""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

ROWS = [
    # tool, file, text, what is said
    ('check-layers', 'proto/a.c', '#include "store/store.h"\n', 'proto may not include store'),
    ('check-layers', 'base/a.c', '#include "mime/field.h"\n', 'base may not include mime'),
    ('check-layers', 'mime/a.c', '#include <sys/socket.h>\n', 'mime is pure'),
    ('check-layers', 'proto/a.h', ' # include <time.h>\n', 'proto is pure'),
    ('check-layers', 'net/a.c', '#include "conn.h"\n', 'is not named from src/'),
    ('check-layers', 'other/a.c', '\n', 'other is no layer'),
    ('check-layers', 'proto/a.c', '#include "base/str.h"\n#include <string.h>\n', None),
    ('check-layers', 'daemon/a.c', '#include "store/store.h"\n#include <time.h>\n', None),
    ('check-banned', 'base/a.c', 'void f(void) { strcpy(a, b); }\n', 'strcpy() is banned'),
    ('check-banned', 'base/a.c', 'int n = atoi (s);\n', 'atoi() is banned'),
    ('check-banned', 'proto/a.c', 'size_t n = strlen(s);\n', 'strlen() is banned'),
    ('check-banned', 'base/a.c', '/* TODO: later */\n', 'should be an issue'),
    ('check-banned', 'base/a.c', '\n' * 801, 'longer than 800 lines'),
    ('check-banned', 'base/a.c', '/* strcpy( */ char *s = "atoi(1)";\nx->gets(1);\n', None),
]


def main():
    failed = 0
    for tool, name, text, said in ROWS:
        with tempfile.TemporaryDirectory() as top:
            path = os.path.join(top, name)
            os.makedirs(os.path.dirname(path))
            with open(path, 'w', encoding='utf-8') as f:
                f.write(text)
            done = subprocess.run([os.path.join(HERE, tool), top], stdout=subprocess.PIPE,
                                  check=False, text=True)
        ok = done.returncode == 0 if said is None else done.returncode == 1 and said in done.stdout
        if not ok:
            failed += 1
            print(f'FAIL {tool} {text.strip()[:60]!r}: {done.stdout}')
    print(f'{len(ROWS) - failed} passed, {failed} failed')
    return 1 if failed else 0


sys.exit(main())
