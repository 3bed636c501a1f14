#!/usr/bin/env python3
"""Idle POP3 sessions, each logged in to a maildrop of its own: what one costs, plain and with TLS, and
that the office serves others meanwhile.  Usage: idle.py [SESSIONS]."""

import socket
import ssl
import sys
import time

from measure import (PASSWORD, add_accounts, fill, kernel_sockets, office, pss, raise_descriptors)

MOST = {'pop3': 8.0, 'pop3s': 24.0}  # KiB a session, all processes together


def open_session(o, name, context, user):
    s = socket.create_connection(('127.0.0.1', o.port(name)), timeout=60)
    if context is not None:
        s = context.wrap_socket(s, server_hostname='localhost')
    for command in (None, f'USER {user}', f'PASS {PASSWORD}', 'STAT'):
        if command is not None:
            s.sendall(command.encode() + b'\r\n')
        said = s.recv(500)
        assert said.startswith(b'+OK') and said.endswith(b'\r\n'), (user, command, said)
    return s


def measure(o, name, users):
    context = o.tls() if name == 'pop3s' else None
    # The first sessions pay for what all share.
    warm = [open_session(o, name, context, u) for u in users[:50]]
    pids = [o.process.pid, *o.children()]
    before, kernel = sum(map(pss, pids)), kernel_sockets()
    started = time.monotonic()
    held = [open_session(o, name, context, u) for u in users[50:]]
    took = time.monotonic() - started
    each = (sum(map(pss, pids)) - before) / len(held)
    sockets = (kernel_sockets() - kernel) / len(held)
    started = time.monotonic()
    o.deliver(b'Subject: x\r\n\r\nstill served\r\n', users[0])
    served = time.monotonic() - started
    # All are alive, not merely not closed yet.
    for s in held[::97] + held[-1:]:
        s.sendall(b'NOOP\r\n')
        assert s.recv(100).startswith(b'+OK')
    print(f'{name}: {len(users)} sessions, {each:.1f} KiB each (kernel {sockets:.1f} KiB, both ends), '
          f'{len(held) / took:.0f} logins/s, a delivery beside them {served * 1000:.0f} ms')
    for s in warm + held:
        s.close()
    assert each <= MOST[name], f'{each:.1f} KiB a session, more than {MOST[name]}'
    assert served < 5


def main(count):
    most = raise_descriptors()
    if count + 100 > most:
        print(f'{most} descriptors allowed here: {most - 100} sessions instead of {count}')
        count = most - 100
    users = [f'u{n}@example.test' for n in range(count)]
    with office() as o:
        add_accounts(o, users)
        fill(o, users[0], 1, b'Subject: x\r\n\r\nx\r\n')
        measure(o, 'pop3', users)
        time.sleep(2)
        measure(o, 'pop3s', users)


if __name__ == '__main__':
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10000)
