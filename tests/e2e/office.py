"""One office for a test: a state directory, the server process, and clients that speak to it."""

import json
import os
import poplib
import random
import select
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time

BIN = os.path.abspath(os.environ.get('RESTANTE', 'build/restante'))
HOST = 'localhost'
PASSWORD = 'open sesame 1'
PORTS = {'lmtp': 24, 'smtp': 25, 'pop3': 110, 'submissions': 465, 'submission': 587, 'pop3s': 995, 'https': 443, 'http': 80}
BAD_LOG = ('Sanitizer', 'runtime error:', 'Assertion', 'stack smashing', 'buffer overflow')

# The library's own limit is shorter than what RFC 5321 4.5.3.1.6 lets a message hold.
poplib._MAXLINE = 1 << 20  # pylint: disable=protected-access


class Skip(Exception):
    """The machine lacks something the test needs; never used for what the office lacks."""


def free_offset():
    """An offset that leaves all ports free and below the kernel's own choice for clients."""
    for _ in range(500):
        offset = random.randrange(10000, 31000)
        try:
            for port in PORTS.values():
                with socket.socket() as s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind(('127.0.0.1', port + offset))
            return offset
        except OSError:
            continue
    raise RuntimeError('no free ports')


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f'{what}: not within {seconds} s')


class Wire:
    """A raw connection: says exactly what it is told, reads lines."""

    def __init__(self, port, context=None, timeout=20):
        self.sock = socket.create_connection(('127.0.0.1', port), timeout=timeout)
        if context is not None:
            self.sock = context.wrap_socket(self.sock, server_hostname=HOST)
        self.held, self.ended = b'', False

    def start_tls(self, context):
        assert self.held == b'', f'octets before the handshake: {self.held!r}'
        self.sock = context.wrap_socket(self.sock, server_hostname=HOST)

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        """The next line without CRLF; b'' at the end of the stream."""
        while b'\n' not in self.held:
            try:
                data = self.sock.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError):
                data = b''
            if not data:
                self.ended = True
                rest, self.held = self.held, b''
                return rest
            self.held += data
        line, self.held = self.held.split(b'\n', 1)
        assert line.endswith(b'\r'), f'a line that ends in a bare LF: {line!r}'
        return line[:-1]

    def reply(self):
        """An SMTP reply, its lines joined by LF."""
        lines = [self.line()]
        while lines[-1][3:4] == b'-':
            lines.append(self.line())
        return b'\n'.join(lines).decode('utf-8', 'replace')

    def ask(self, command):
        """One SMTP command and its reply."""
        self.send(command if isinstance(command, bytes) else command + '\r\n')
        return self.reply()

    def pop(self, command):
        """One POP3 command and the first line of its response."""
        self.send(command + '\r\n')
        return self.line().decode('utf-8', 'replace')

    def multi(self):
        """The rest of a multi-line response (RFC 1939 3), without dots."""
        lines = []
        while True:
            line = self.line()
            assert not self.ended, f'the response has no end, its last line {line[:100]!r}'
            if line == b'.':
                return lines
            lines.append(line[1:] if line.startswith(b'.') else line)

    def at_end(self):
        """True when the server closes without another word."""
        return self.line() == b'' and self.ended

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Office:
    def __init__(self, accounts=None, config='', domain='example.test', offset=None, before=()):
        """before: words of a command that runs the server."""
        self.dir = tempfile.mkdtemp(prefix='restante-e2e-')
        os.chmod(self.dir, 0o755)
        self.state = os.path.join(self.dir, 'state')
        self.log = os.path.join(self.dir, 'log')
        self.domain, self.config, self.before = domain, config, before
        self.ann = f'ann@{domain}'
        self.accounts = (self.ann, f'bob@{domain}') if accounts is None else accounts
        self.offset = free_offset() if offset is None else offset
        self.process = None

    # -- the command line

    def run(self, *words, stdin=b'', state=True, timeout=60):
        """A command; returns the finished process with bytes in stdout and stderr."""
        command = [BIN, *words] + (['--state', self.state] if state else [])
        return subprocess.run(command, input=stdin, capture_output=True, timeout=timeout,
                              check=False, env=environment())

    def must(self, *words, stdin=b'', timeout=60):
        done = self.run(*words, stdin=stdin, timeout=timeout)
        assert done.returncode == 0, f'{" ".join(words)}: {done.returncode}: {done.stderr.decode()}'
        return done.stdout

    def json(self, *words):
        return json.loads(self.must(*words, '--json'))

    def add_account(self, address, password=PASSWORD):
        self.must('account', 'add', address, '--password-stdin', stdin=password.encode() + b'\n')

    # -- its life

    def open(self):
        self.must('init', '--domain', self.domain, '--hostname', f'mail.{self.domain}',
                  *(['--port-offset', str(self.offset)] if self.offset else []))
        with open(self.path('restante.conf'), 'a', encoding='utf-8') as f:
            f.write('\n' + self.config + '\n')
        for a in self.accounts:
            self.add_account(a)
        self.start()

    def start(self, before=(), **how):
        """before: as above, once; how: more for Popen."""
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen([*(before or self.before), BIN, 'serve', '--state', self.state],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=log, env=environment(), **how)
        fd, said = self.process.stdout.fileno(), b''
        end = time.monotonic() + 40
        while b'ready\n' not in said:
            left = end - time.monotonic()
            assert left > 0, f'not ready; it said {said!r}\n{self.log_tail()}'
            if select.select([fd], [], [], min(left, 0.5))[0]:
                data = os.read(fd, 4096)
                assert data, f'the server ended with {self.process.wait()}\n{self.log_tail()}'
                said += data

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self.process.stdout.close()
        self.process = None
        assert status == 0, f'the server ended with {status}\n{self.log_tail()}'

    def close(self):
        if self.process is not None:
            self.stop()
        self.check_log()

    def check_log(self):
        with open(self.log, encoding='utf-8', errors='replace') as f:
            bad = [line for line in f if any(b in line for b in BAD_LOG)]
        assert not bad, 'the log says: ' + ''.join(bad[:5])

    def kill(self):
        """kill -9 of the parent; its children must follow (the leash)."""
        children = self.children()
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()
        self.process = None
        wait_until(lambda: not any(alive(p) for p in children), 20, 'children end with the parent')

    def destroy(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def revive(self):
        """After a failed test: the next one finds a server."""
        if self.process is not None and self.process.poll() is not None:
            self.process.stdout.close()
            self.process = None
        if self.process is None:
            try:
                self.start()
            except AssertionError:
                pass

    def children(self):
        pid = self.process.pid
        with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as f:
            return [int(p) for p in f.read().split()]

    def store_pid(self):
        pids = [p for p in self.children() if name_of(p) == 'store']
        return pids[0] if pids else None

    def edge_pids(self):
        return [p for p in self.children() if name_of(p).startswith('edge')]

    # -- things in it

    def path(self, *names):
        return os.path.join(self.state, *names)

    @property
    def ca(self):
        return self.path('tls', 'cert.pem')

    def port(self, name):
        return PORTS[name] + self.offset

    def log_tail(self, octets=3000):
        try:
            with open(self.log, 'rb') as f:
                return f.read()[-octets:].decode('utf-8', 'replace')
        except FileNotFoundError:
            return ''

    # -- clients

    def tls(self):
        """Trusts this office's certificate only, and checks the name."""
        return ssl.create_default_context(cafile=self.ca)

    def wire(self, name, timeout=20):
        return Wire(self.port(name), self.tls() if name.endswith('s') else None, timeout)

    def submit(self, user=None, password=PASSWORD, implicit=False):
        """smtplib, logged in."""
        if implicit:
            s = smtplib.SMTP_SSL(HOST, self.port('submissions'), context=self.tls(), timeout=30)
        else:
            s = smtplib.SMTP(HOST, self.port('submission'), timeout=30)
            s.starttls(context=self.tls())
        s.login(user or self.ann, password)
        return s

    def mx(self):
        return smtplib.SMTP(HOST, self.port('smtp'), timeout=30)

    def deliver(self, raw, to=None, sender='x@elsewhere.test'):
        with self.mx() as s:
            return s.sendmail(sender, to or self.ann, raw)

    def pop_wire(self, user=None):
        """A session as a Wire, by pop3s."""
        w = self.wire('pop3s')
        w.line()
        assert w.pop(f'USER {user or self.ann}').startswith('+OK')
        reply = w.pop(f'PASS {PASSWORD}')
        assert reply.startswith('+OK'), reply
        return w

    def pop(self, user=None, password=PASSWORD, implicit=True):
        """poplib, logged in."""
        if implicit:
            p = poplib.POP3_SSL(HOST, self.port('pop3s'), context=self.tls(), timeout=30)
        else:
            p = poplib.POP3(HOST, self.port('pop3'), timeout=30)
            p.stls(context=self.tls())
        p.user(user or self.ann)
        p.pass_(password)
        return p

    def fetch(self, user=None, delete=True):
        """Every message, as octets; deleted afterwards unless told."""
        p = self.pop(user)
        messages = []
        for n in range(1, p.stat()[0] + 1):
            octets = b''.join(line + b'\r\n' for line in p.retr(n)[1])
            messages.append(octets)
            if delete:
                p.dele(n)
        p.quit()
        return messages

    def fetch_one(self, user=None):
        messages = self.fetch(user)
        assert len(messages) == 1, f'{len(messages)} messages'
        return messages[0]


def name_of(pid):
    """What the process calls itself, as ps -c shows it."""
    try:
        with open(f'/proc/{pid}/comm', encoding='utf-8', errors='replace') as f:
            return f.read().strip()
    except OSError:
        return ''


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as f:
            return f.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def environment():
    env = dict(os.environ)
    env.pop('RESTANTE_STATE', None)
    env.setdefault('UBSAN_OPTIONS', 'print_stacktrace=1')
    return env


def canonical(raw):
    """Line ends as the wire has them."""
    return raw.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')


def added(got, sent):
    """What was put before the message; the message itself must be there octet for octet."""
    assert got.endswith(sent), f'changed: sent {sent[-300:]!r}, got {got[-300:]!r}'
    head = got[:len(got) - len(sent)]
    fields, last = [], None
    for line in head.split(b'\r\n'):
        if line[:1] in (b' ', b'\t'):
            assert last is not None
        elif line:
            last = line.split(b':')[0].decode('ascii')
            fields.append(last)
    assert set(fields) <= {'Return-Path', 'Received', 'Delivered-To'}, fields
    assert 'Received' in fields, head
    return head
