"""A server under test: started and stopped by its script, its processes counted by a control group."""

import contextlib
import os
import shutil
import subprocess
import time

PEERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'peers')
BASES = {'restante': 25000, 'postfix': 26000, 'dovecot': 27000, 'dovecot-tuned': 28000,
         'exim': 24000, 'opensmtpd': 23000, 'courier': 22000, 'floor': 21000}
FLOOR = 'floor'  # no server, but what none can pass: the rows by how their names begin
FLOOR_ROWS = ('deliver', 'latency', 'relay', 'session')
# Peers that are measured too, but nothing is asked of us beside them: the rows by how their names begin.
MORE = {'exim': ('deliver', 'latency', 'relay'), 'opensmtpd': ('deliver', 'latency', 'relay'),
        'courier': ('session', 'list', 'retr', 'dele')}
SECRET = 'secret'
HEAD = ('From: <bench@client.test>\nTo: <bench@bench.test>\nSubject: message {n}\n'
        'Message-ID: <{n}.{size}@client.test>\nDate: Sun, 22 Nov 2026 00:00:00 +0000\n\n')
LINE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/ABCDEFGHIJ\n'


class Trouble(Exception):
    """What bench/run tells in one line."""


class Group:
    """CPU time and memory of all processes that a script started, also of those that left it."""

    def __init__(self, name):
        v1 = '/sys/fs/cgroup/cpuacct'
        self.v1 = os.path.isdir(v1)
        self.path = os.path.join(v1 if self.v1 else '/sys/fs/cgroup', f'restante-bench-{os.getpid()}-{name}')
        try:
            os.makedirs(self.path, exist_ok=True)
        except OSError as e:
            raise Trouble(f'no control group: {e}; run as root') from e

    def enter(self):
        with open(os.path.join(self.path, 'cgroup.procs'), 'w', encoding='ascii') as f:
            f.write(str(os.getpid()))

    def pids(self):
        with open(os.path.join(self.path, 'cgroup.procs'), encoding='ascii') as f:
            return [int(line) for line in f]

    def cpu(self):
        """Seconds."""
        name = 'cpuacct.usage' if self.v1 else 'cpu.stat'
        with open(os.path.join(self.path, name), encoding='ascii') as f:
            text = f.read()
        return int(text) / 1e9 if self.v1 else int(text.split('usage_usec')[1].split()[0]) / 1e6

    def pss(self):
        """KiB, each shared page counted once over all."""
        total = 0
        for pid in self.pids():
            try:
                with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as f:
                    total += sum(int(line.split()[1]) for line in f if line.startswith('Pss:'))
            except (FileNotFoundError, ProcessLookupError):
                pass
        return total

    def end(self):
        for signal in (15, 9):
            for _ in range(10):
                pids = self.pids()
                if not pids:
                    break
                for pid in pids:
                    try:
                        os.kill(pid, signal)
                    except ProcessLookupError:
                        pass
                time.sleep(0.2)
        os.rmdir(self.path)


class Server:
    def __init__(self, name, bench):
        self.name, self.bench = name, bench
        self.dir = os.path.join(bench.dir, name)
        self.mail = os.path.join(bench.dir, 'mail')
        self.base = BASES[name]
        self.group = None
        self.kind = bench.kind  # of its certificate

    def port(self, kind):
        return self.base + {'smtp': 25, 'pop3': 110, 'pop3s': 995}[kind]

    def script(self, verb, inside=False):
        os.makedirs(self.dir, exist_ok=True)
        env = dict(os.environ, DIR=self.dir, MAIL=self.mail, BASE=str(self.base), CERT=self.bench.pem('cert', self.kind),
                   KEY=self.bench.pem('key', self.kind), USERS=self.bench.users_file, MUID=str(self.bench.uid),
                   RESTANTE=self.bench.restante, SINK=str(self.bench.sink))
        with open(os.path.join(self.dir, 'script.log'), 'w+', encoding='utf-8', errors='replace') as out:
            code = subprocess.call([os.path.join(PEERS, self.name + '.sh'), verb], env=env, stdout=out,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                   preexec_fn=self.group.enter if inside else None)
            out.seek(0)
            text = out.read().strip()
        if code != 0 and verb != 'stop':
            raise Trouble(f'{self.name} {verb}: {text.splitlines()[-1] if text else code}')
        return text

    def __enter__(self):
        self.version = self.script('version').splitlines()[-1]
        self.group = Group(self.name)
        try:
            self.script('start', inside=True)
        except Trouble:
            self.group.end()
            raise
        return self

    def __exit__(self, *_):
        self.script('stop')
        self.group.end()

    def stop(self):
        self.script('stop')
        for _ in range(100):
            if not self.group.pids():
                break
            time.sleep(0.1)

    def restart(self, kind=None):
        """What an earlier run left in memory would hide what the next one takes; kind: of its certificate."""
        self.kind = kind or self.kind
        self.stop()
        self.script('start', inside=True)

    @contextlib.contextmanager
    def with_users(self, count):
        """With so many accounts, and no mail, in a directory of its own."""
        usual = self.dir, self.bench.users_file, self.bench.users
        self.stop()
        self.dir = os.path.join(self.bench.dir, f'{self.name}-{count}')
        self.bench.users_file = os.path.join(self.bench.dir, f'users-{count}')
        self.bench.users = count
        with open(self.bench.users_file, 'w', encoding='ascii') as f:
            f.writelines(f'u{n}\n' for n in range(count))
        try:
            self.script('start', inside=True)
            yield
        finally:
            self.stop()
            self.dir, self.bench.users_file, self.bench.users = usual
            self.script('start', inside=True)

    def settle(self):
        """Until it has nothing left to do: what was put off counts too."""
        for _ in range(100):
            before = self.group.cpu()
            time.sleep(0.25)
            if self.group.cpu() - before < 0.005:
                return

    def fill(self, user, count, size):
        """A maildrop of so many messages: as mail that came in, or as its files."""
        mark = os.path.join(self.dir if self.name == 'restante' else self.mail, f'.{user}-{count}-{size}')
        if os.path.exists(mark):
            return
        if self.name == 'restante':
            self.bench.load(['smtp', '--port', self.port('smtp'), '--connections', 20, '--per-connection',
                             1000, '--count', count, '--size', size, '--name', user + '@bench.test'],
                            wait=300 + count / 200)
        else:
            self.fill_maildir(user, count, size)
        with open(mark, 'w', encoding='ascii'):
            pass

    def unfilled(self, user):
        """Its messages are gone, or changed."""
        for place in (self.dir, self.mail):
            for name in os.listdir(place) if os.path.isdir(place) else []:
                if name.startswith(f'.{user}-'):
                    os.unlink(os.path.join(place, name))

    def fill_maildir(self, user, count, size):
        home = os.path.join(self.mail, user)
        shutil.rmtree(home, ignore_errors=True)
        for name in ('cur', 'new', 'tmp'):
            os.makedirs(os.path.join(home, name))
        for n in range(count):
            head = HEAD.format(n=n, size=size)
            body = (LINE * (size // len(LINE) + 1))[:max(1, size - len(head) - size // len(LINE))]
            # Names as a delivery makes them; plain counters collide in Dovecot's hash of names.
            name = f'{1795300000 + n // 3}.V801I{n * 7919 % 99991:x}M{n * 104729 % 1000003}.mx.bench.test'
            with open(os.path.join(home, 'new', name), 'w', encoding='ascii') as f:
                f.write(head + body[:-1] + '\n')
        for at, _, files in os.walk(home):
            os.chown(at, self.bench.uid, self.bench.uid)
            for name in files:
                os.chown(os.path.join(at, name), self.bench.uid, self.bench.uid)
