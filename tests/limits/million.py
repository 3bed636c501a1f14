#!/usr/bin/env python3
"""A maildrop with very many messages opens, lists, is read at both ends and loses one.
Usage: million.py [MESSAGES]."""

import sys
import time

from measure import PASSWORD, Peak, fill, office

RAW = b'From: <x@elsewhere.test>\r\nSubject: one of many\r\n\r\nshort\r\n'


class Clock:
    def __init__(self):
        self.at, self.text = time.monotonic(), []

    def lap(self, what):
        now = time.monotonic()
        self.text.append(f'{what} {now - self.at:.2f} s')
        self.at = now


def login(o):
    w = o.wire('pop3', timeout=300)
    w.line()
    w.pop('USER ann@example.test')
    assert w.pop(f'PASS {PASSWORD}').startswith('+OK')
    return w


def main(count):
    with office() as o:
        clock = Clock()
        fill(o, 'ann@example.test', count, RAW)
        clock.lap(f'{count} messages in')
        peak = Peak(o)
        clock.at = time.monotonic()
        with login(o) as w:
            said = w.pop('STAT').split()
            assert int(said[1]) == count, said
            clock.lap('open')
            w.pop('LIST')
            rows = w.multi()
            assert len(rows) == count and rows[-1].split()[0] == str(count).encode()
            assert sum(int(r.split()[1]) for r in rows) == int(said[2])
            clock.lap('LIST')
            w.pop('UIDL')
            rows = w.multi()
            assert len({r.split()[1] for r in rows}) == count
            clock.lap('UIDL')
            for n in (1, count // 2, count):
                assert w.pop(f'RETR {n}').startswith('+OK')
                assert b'\r\n'.join(w.multi()).endswith(b'short')
            clock.lap('3 RETR')
            assert w.pop(f'DELE {count}').startswith('+OK')
            assert w.pop('QUIT').startswith('+OK')
            clock.lap('QUIT')
        with login(o) as w:
            assert int(w.pop('STAT').split()[1]) == count - 1
            w.pop('QUIT')
        grown = peak.grown()
    print('; '.join(clock.text))
    print('grown by ' + ', '.join(f'{n} {k / 1024:.1f} MiB' for n, k in grown.items()))
    # The listing is one mapping of rows (48 octets), seen by store and edge.
    bound = 32 + count * 4 * 48 / (1 << 20)
    assert max(grown.values()) / 1024 <= bound, f'more than {bound:.0f} MiB'


if __name__ == '__main__':
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000000)
