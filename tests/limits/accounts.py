#!/usr/bin/env python3
"""Very many accounts: added, logged in to, delivered to, listed.  Usage: accounts.py [ACCOUNTS]."""

import random
import sys
import time

from measure import add_accounts, office, status


def main(count):
    users = [f'u{n}@example.test' for n in range(count)]
    with office() as o:
        started = time.monotonic()
        add_accounts(o, users)
        added = count / (time.monotonic() - started)
        sample = random.sample(users, min(200, count))
        started = time.monotonic()
        for u in sample:
            o.pop(u, implicit=False).quit()
        login = (time.monotonic() - started) / len(sample) * 1000
        started = time.monotonic()
        for u in sample:
            o.deliver(b'Subject: x\r\n\r\nx\r\n', u)
        delivery = (time.monotonic() - started) / len(sample) * 1000
        started = time.monotonic()
        assert len(o.json('account', 'list')) == count + 1
        listed = time.monotonic() - started
        rss = status(o.store_pid(), 'VmRSS') / 1024
        o.stop()
        started = time.monotonic()
        o.start()
        restart = time.monotonic() - started
    print(f'{count} accounts: {added:.0f} added/s, login {login:.1f} ms, delivery {delivery:.1f} ms, '
          f'list {listed:.1f} s, start {restart:.1f} s, store {rss:.0f} MiB')
    assert login < 200 and delivery < 200 and restart < 10


if __name__ == '__main__':
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100000)
