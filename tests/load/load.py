"""What the scripts here share besides tests/limits/measure.py: many sockets in one thread, and a normal client that
looks at the clock."""

import os
import selectors
import socket
import statistics
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'limits'))

from measure import PASSWORD, add_accounts, office, pss, raise_descriptors  # noqa: E402,F401


def connect(port, source=None, rcvbuf=None):
    """Non-blocking, under way; source: an address of 127.0.0.0/8."""
    s = socket.socket()
    s.setblocking(False)
    if rcvbuf is not None:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    if source is not None:
        s.setsockopt(socket.IPPROTO_IP, getattr(socket, 'IP_BIND_ADDRESS_NO_PORT', 24), 1)
        s.bind((source, 0))
    s.connect_ex(('127.0.0.1', port))
    return s


class Crowd:
    """Sockets of which each says its lines one after the other, as answers come.  send: octets, the next one when
    the answer to the one before is there."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.done, self.refused = [], 0

    def add(self, s, lines):
        self.selector.register(s, selectors.EVENT_READ, [list(lines), b''])

    def turn(self, wait):
        for key, _ in self.selector.select(wait):
            s, (lines, _) = key.fileobj, key.data
            try:
                said = s.recv(4096)
            except BlockingIOError:
                continue
            except OSError:
                said = b''
            key.data[1] += said
            if not said:
                self.selector.unregister(s)
                s.close()
                self.refused += 1
                continue
            if not key.data[1].endswith(b'\r\n'):
                continue
            key.data[1] = b''
            if lines:
                s.send(lines.pop(0))
            else:
                self.selector.unregister(s)
                self.done.append(s)

    def finish(self, seconds):
        end = time.monotonic() + seconds
        while self.selector.get_map() and time.monotonic() < end:
            self.turn(0.2)
        left = len(self.selector.get_map())
        assert left == 0, f'{left} were not answered, {len(self.done)} were'


def login(o, user):
    """Seconds until a client has logged in, asked and gone."""
    started = time.monotonic()
    o.pop(user, implicit=False).quit()
    return time.monotonic() - started


def in_time(o, user, most, count=7):
    """The middle one of some logins: a busy machine may hold up one."""
    times = [login(o, user) for _ in range(count)]
    middle = statistics.median(times)
    assert middle < most, times
    return middle


def memory(o):
    return sum(map(pss, [o.process.pid, *o.children()]))
