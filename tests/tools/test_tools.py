#!/usr/bin/env python3
"""The checks can fail: each is shown what it must refuse."""

import os
import runpy
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

RFC_ROWS = [
    # a table, what is said
    ('| 5321 2.1 | rule | proto/smtpd.c:smtpd_new | smtpd/simple.t |', 'RFC 1939 has no row'),
    ('| 5321 2.1 | rule | proto/smtpd.c:smtpd_gone | smtpd/simple.t |', 'does not define it'),
    ('| 5321 2.1 | rule | proto/gone.c:smtpd_new | smtpd/simple.t |', 'no file src/proto/gone.c'),
    ('| 5321 2.1 | rule | proto/smtpd.c:smtpd_new | smtpd/gone.t |', 'no file tests/transcripts'),
    ('| 5321 2.1 | rule | proto/smtpd.c:smtpd_new | test_main.py:test_gone |', 'does not define it'),
    ('| 5321 2.1 | rule | proto/smtpd.c:smtpd_new | - |', 'code or test is missing'),
    ('| 5321 2.1 | rule | not held: why | smtpd/simple.t |', 'is not held has a test'),
    ('| 5321 2.1 | rule | proto/smtpd.c:smtpd_new |', '3 cells instead of 4'),
]

BENCH_ROWS = [
    # the words, (runs, users, quick)
    ([], (3, 10000, False)),
    (['--short'], (1, 2000, True)),
    (['--short', '--runs', '3'], (3, 2000, True)),
    (['--users', '500', '--short'], (1, 500, True)),
    (['--quick', '--runs', '1'], (1, 10000, True)),
]

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

LOG_ROWS = [
    # the table's only row for log_info("a.b", F_INT("n", 1)), what is said; None: nothing
    ('| `a.b` | info | n | it is so |', None),
    ('| `a.c` | info | n | it is so |', 'a.b: not in doc/log.md'),
    ('| `a.c` | info | n | it is so |', 'a.c: in doc/log.md, but nobody writes it'),
    ('| `a.b` | warn | n | it is so |', 'src has info n'),
    ('| `a.b` | info | n m | it is so |', 'doc/log.md has info m n'),
    ('| `a.b` | info | - | it is so |', 'src has info n'),
    ('| `a.b` | info | n |  |', 'no meaning'),
]

CVE_ROWS = [
    ('| 1 | x | smtpd/no-such.t |', 'no file'),
    ('| 1 | x | test_cve.py:test_no_such |', 'does not define it'),
    ('| 1 | x | mutant_no_such |', 'no such mutant'),
    ('| 1 | x | not ours: y |', 'row 2 is missing'),
    ('| 1 | x | |', 'not three cells'),
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
    for table, said in RFC_ROWS:
        with tempfile.NamedTemporaryFile('w', suffix='.md') as f:
            f.write('| RFC | rule | code | test |\n|---|---|---|---|\n' + table + '\n')
            f.flush()
            done = subprocess.run([os.path.join(HERE, 'check-rfc'), f.name],
                                  stdout=subprocess.PIPE, check=False, text=True)
        if done.returncode != 1 or said not in done.stdout:
            failed += 1
            print(f'FAIL check-rfc {table!r}: {done.stdout}')
    for table, said in LOG_ROWS:
        with tempfile.TemporaryDirectory() as top:
            with open(os.path.join(top, 'a.c'), 'w', encoding='utf-8') as f:
                f.write('void f(void) { log_info("a.b", F_INT("n", g(1))); }\n')
            with open(os.path.join(top, 'log.md'), 'w', encoding='utf-8') as f:
                f.write(table + '\n')
            done = subprocess.run([os.path.join(HERE, 'check-log'), top, os.path.join(top, 'log.md')],
                                  stdout=subprocess.PIPE, check=False, text=True)
        if (done.returncode != 0) != (said is not None) or (said or '') not in done.stdout:
            failed += 1
            print(f'FAIL check-log {table!r}: {done.stdout}')
    for row, said in CVE_ROWS:
        with tempfile.NamedTemporaryFile('w', suffix='.md', encoding='utf-8') as f:
            f.write(row + '\n')
            f.flush()
            done = subprocess.run([os.path.join(HERE, 'check-cve'), f.name],
                                  stdout=subprocess.PIPE, check=False, text=True)
        if done.returncode != 1 or said not in done.stdout:
            failed += 1
            print(f'FAIL check-cve {row!r}: {done.stdout}')
    options = runpy.run_path(os.path.join(HERE, '../../bench/run'))['options']
    for words, said in BENCH_ROWS:
        args = options(words)
        if (args.runs, args.users, args.quick) != said:
            failed += 1
            print(f'FAIL bench/run {words}: {args}')
    rows = len(ROWS) + len(RFC_ROWS) + len(LOG_ROWS) + len(CVE_ROWS) + len(BENCH_ROWS)
    print(f'{rows - failed} passed, {failed} failed')
    return 1 if failed else 0


sys.exit(main())
