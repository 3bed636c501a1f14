"""What the scripts here share: the office of the end-to-end tests, its processes' memory, and quick ways
to fill it."""

import base64
import contextlib
import hashlib
import json
import os
import resource
import shutil
import socket
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))

from office import PASSWORD, Office, name_of  # noqa: E402

MIB = 1 << 20
OPEN = '''connections_per_address = 1000000
connections_max = 1000000
cleartext_auth = yes
log_level = "warn"
password_upgrade = no
'''


def raise_descriptors():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


@contextlib.contextmanager
def office(config='', accounts=('ann@example.test',), base=OPEN):
    """A running office, gone afterwards."""
    raise_descriptors()
    o = Office(accounts=(), config=base + config)
    try:
        o.open()
        add_accounts(o, accounts)
        yield o
        o.close()
    finally:
        o.destroy()
        shutil.rmtree(o.dir, ignore_errors=True)


def status(pid, field):
    """A field of /proc/PID/status in KiB."""
    with open(f'/proc/{pid}/status', encoding='ascii') as f:
        return next(int(line.split()[1]) for line in f if line.startswith(field + ':'))


def pss(pid):
    """The process's own and its share of shared memory, in KiB."""
    with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as f:
        return next(int(line.split()[1]) for line in f if line.startswith('Pss:'))


def kernel_sockets():
    """Pages that TCP buffers hold, in KiB: no process's, but memory all the same."""
    with open('/proc/net/sockstat', encoding='ascii') as f:
        tcp = next(line for line in f if line.startswith('TCP:')).split()
    return int(tcp[tcp.index('mem') + 1]) * 4


class Peak:
    """The most memory of every process from now on: VmHWM is reset (proc(5), clear_refs)."""

    def __init__(self, o):
        self.pids = [o.process.pid, *o.children()]
        self.names = {p: name_of(p) for p in self.pids}
        for p in self.pids:
            with open(f'/proc/{p}/clear_refs', 'w', encoding='ascii') as f:
                f.write('5')
        self.before = {p: status(p, 'VmRSS') for p in self.pids}

    def grown(self):
        """{name: KiB}"""
        return {self.names[p]: status(p, 'VmHWM') - self.before[p] for p in self.pids}


def cheap_hash(password=PASSWORD):
    """A hash that costs nothing to check: what is measured is not argon2 and its 32 MiB."""
    salt = os.urandom(8)
    return '{SSHA256}' + base64.b64encode(
        hashlib.sha256(password.encode() + salt).digest() + salt).decode()


class Control:
    """The control socket, as src/daemon/control.h has it; many requests over one connection."""

    def __init__(self, o):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(o.path('control.sock'))
        self.stream = self.sock.makefile('rb')

    def send(self, request):
        text = json.dumps(request).encode()
        self.sock.sendall(struct.pack('<IB', len(text), ord('q')) + text)

    def answer(self):
        rows = []
        while True:
            n, kind = struct.unpack('<IB', self.stream.read(5))
            data = json.loads(self.stream.read(n))
            if kind == ord('r'):
                rows.append(data)
                continue
            assert data['status'] == 0, data
            return rows

    def close(self):
        self.stream.close()
        self.sock.close()


def add_accounts(o, addresses):
    control, hashed = Control(o), cheap_hash()
    credentials = {'hash': hashed, 'iterations': 0}
    for name, octets in (('salt', 16), ('stored_key', 32), ('server_key', 32)):
        credentials[name] = base64.b64encode(bytes(octets)).decode()
    for a in addresses:
        control.send({'verb': 'account.add', 'address': a, 'credentials': credentials})
        control.answer()
    control.close()


def fill(o, address, count, raw):
    """count messages by SMTP, pipelined."""
    with o.wire('smtp', timeout=300) as w:
        w.reply()
        w.ask('EHLO fill.test')
        one = (f'MAIL FROM:<x@elsewhere.test>\r\nRCPT TO:<{address}>\r\n'
               f'BDAT {len(raw)} LAST\r\n').encode() + raw
        for at in range(0, count, 100):
            n = min(100, count - at)
            w.send(one * n)
            for _ in range(3 * n):
                reply = w.reply()
                assert reply.startswith('250'), reply
        w.ask('QUIT')
