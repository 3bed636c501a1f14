"""kill -9 of each process under load: what was acknowledged is there, once."""

import contextlib
import ctypes
import os
import poplib
import random
import signal
import smtplib
import socket
import ssl
import threading
import time

import messages
from office import Office, Skip, alive, name_of, wait_until

ANN = 'ann@example.test'
TROUBLE = (OSError, EOFError, smtplib.SMTPException, poplib.error_proto, ssl.SSLError)


class Load:
    """Senders that note what was acknowledged; each message has a tag of its own."""

    def __init__(self, office, senders=4):
        self.office, self.acked, self.stopping = office, [], False
        self.tried = 0
        self.threads = [threading.Thread(target=self.send, args=(i,), daemon=True)
                        for i in range(senders)]

    def send(self, seat):
        chance, n, s = random.Random(), 0, None
        while not self.stopping:
            n += 1
            tag = f'tag-{seat}-{n}-{chance.getrandbits(32):08x}'
            size = 400000 if n % 40 == 0 else chance.randrange(10, 4000)
            raw = messages.plain(b'x' * 70 + b'\r\n' + b'y\r\n' * (size // 3), tag)
            try:
                if s is None:
                    s = smtplib.SMTP('127.0.0.1', self.office.port('smtp'), timeout=10)
                self.tried += 1
                s.sendmail('x@elsewhere.test', [ANN], raw)
                self.acked.append(tag)
            except TROUBLE:
                if s is not None:
                    s.close()
                s = None
                time.sleep(0.02)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        for t in self.threads:
            t.join(30)

    def more(self, count, seconds=20):
        """Waits until so many more are acknowledged: the office works."""
        at = len(self.acked) + count
        wait_until(lambda: len(self.acked) >= at, seconds,
                   f'{count} more acknowledged (now {len(self.acked)})')


def login(office, seconds=20):
    end = time.monotonic() + seconds
    while True:
        try:
            return office.pop(ANN)
        except TROUBLE:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def check(office, load):
    """Every acknowledged message once; no message twice; each whole."""
    p = login(office)
    seen = {}
    for n in range(1, p.stat()[0] + 1):
        lines = p.retr(n)[1]
        subject = next(line for line in lines if line.startswith(b'Subject: '))
        tag = subject[9:].decode()
        seen[tag] = seen.get(tag, 0) + 1
        assert lines[-1] == b'y', f'{tag} is cut: {lines[-1]!r}'
        p.dele(n)
    p.quit()
    lost = [t for t in load.acked if t not in seen]
    twice = [t for t, n in seen.items() if n > 1]
    assert not lost, f'lost {len(lost)} of {len(load.acked)}: {lost[:5]}'
    assert not twice, f'twice: {twice[:5]}'
    assert len(load.acked) >= 20, f'only {len(load.acked)} acknowledged of {load.tried}'
    office.must('fsck')


def kill_child(office, choose):
    pid = wait_until(choose, 10, 'the process is there')
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(pid), 10, 'it is gone')


def test_store_is_killed(office):
    with Load(office) as load:
        load.more(20)
        for _ in range(4):
            kill_child(office, office.store_pid)
            load.more(20)
    check(office, load)


def test_each_edge_is_killed(office):
    with Load(office) as load:
        load.more(20)
        for pid in office.edge_pids():
            kill_child(office, lambda p=pid: p)
            load.more(20)
        kill_child(office, lambda: (office.edge_pids() or [None])[0])
        load.more(20)
    check(office, load)


def test_the_parent_is_killed(office):
    with Load(office) as load:
        for _ in range(3):
            load.more(20)
            office.kill()
            office.start()
        load.more(20)
    check(office, load)


def test_sigterm_under_load(office):
    with Load(office) as load:
        load.more(20)
        office.stop()
        office.start()
        load.more(20)
    check(office, load)


def test_deletions_that_were_acknowledged_stay(office):
    for n in range(20):
        office.deliver(messages.plain(b'y\r\n', f'del-{n}'))
    left = 20
    for victim in ('parent', 'store', 'parent'):
        p = login(office)
        assert p.stat()[0] == left, (victim, p.stat(), left)
        p.dele(1)
        p.dele(3)
        p.quit()
        left -= 2
        if victim == 'parent':
            office.kill()
            office.start()
        else:
            kill_child(office, office.store_pid)
    p = login(office)
    assert p.stat()[0] == left, (p.stat(), left)
    # And what was only marked is not deleted.
    p.dele(1)
    kill_child(office, office.store_pid)
    p.close()

    def as_before():
        try:
            q = office.pop(ANN)
        except TROUBLE:
            return False
        count = q.stat()[0]
        q.quit()
        return count == left
    wait_until(as_before, 20, f'{left} messages')
    office.fetch(ANN)


def test_no_child_outlives_the_parent(office):
    children = office.children()
    assert len(children) >= 2, children
    office.kill()
    assert not any(alive(p) for p in children)
    office.start()


def test_a_new_store_is_not_told_half(office):
    """One recipient is known to the store that dies, the other to the edge alone: the next store must not take the
    message for the second one and say so for both."""
    names = ('first@example.test', 'second@example.test')
    for name in names:
        office.add_account(name)
    with office.wire('smtp') as w:
        w.reply()
        for command in ('EHLO client.test', 'MAIL FROM:<x@elsewhere.test>', f'RCPT TO:<{names[1]}>', 'RSET',
                        'MAIL FROM:<x@elsewhere.test>', f'RCPT TO:<{names[0]}>', f'RCPT TO:<{names[1]}>', 'DATA'):
            assert w.ask(command)[0] in '23', command
        w.send(b'Subject: half\r\n\r\nx\r\n')
        old = office.store_pid()
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: not alive(old) and office.store_pid() not in (None, old), 20, 'another store')
        wait_until(lambda: office.run('who').returncode == 0, 20, 'it answers')
        with office.wire('smtp') as other:  # the edges have it
            other.reply()
            other.ask('EHLO client.test')
            wait_until(lambda: other.ask('MAIL FROM:<x@elsewhere.test>')[0] + other.ask(f'RCPT TO:<{names[0]}>')[0] +
                       other.ask('RSET')[0] == '222', 20, 'mail is taken')
        w.send(b'.\r\n')
        taken = w.reply().startswith('250')
    assert [len(office.fetch(name)) for name in names] == [taken, taken]


@contextlib.contextmanager
def one_edge():
    """An office whose only edge has all connections, and so remembers what any of them asked."""
    office = Office(accounts=('third@example.test', 'fourth@example.test'), config='edges = 1\n')
    office.open()
    try:
        yield office
        office.close()
    finally:
        office.destroy()


def shut_leash(pid):
    """An edge says nothing any more on the socket to its parent, as one that was taken over may do.  In one that has just begun
    it is the first socket of its kind."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.syscall(434, pid, 0)  # pidfd_open
    for n in sorted(int(n) for n in os.listdir(f'/proc/{pid}/fd') if os.readlink(f'/proc/{pid}/fd/{n}').startswith('socket:')):
        fd = libc.syscall(438, handle, n, 0)  # pidfd_getfd
        if fd < 0:
            raise Skip(f'pidfd_getfd: {os.strerror(ctypes.get_errno())}')
        with socket.socket(fileno=fd) as s:
            if s.family == socket.AF_UNIX and s.type == socket.SOCK_SEQPACKET:
                s.shutdown(socket.SHUT_WR)
                break
    os.close(handle)


def test_an_edge_that_shuts_its_leash_ends(_):
    """Else the parent looks at it as fast as it can."""
    if os.geteuid() != 0:
        raise Skip('only root can do that to another process')
    with one_edge() as office:
        (old,) = office.edge_pids()
        shut_leash(old)
        wait_until(lambda: not alive(old) and office.edge_pids() not in ([], [old]), 10, 'another edge')
        with office.wire('smtp') as w:
            assert w.reply().startswith('220')


def test_a_message_that_met_no_store_is_forgotten(_):
    with one_edge() as office:
        check_forgotten(office, *office.accounts)


def check_forgotten(office, third, fourth):
    """The store goes away before the end of a message that it was not told of.  What the session says next is another
    message, and begins with its own octets."""
    for name in (third, fourth):  # the edge knows them
        office.deliver(messages.plain(b'before\r\n'), name)
        office.fetch(name)
    with office.wire('smtp') as w:
        w.reply()
        for command in ('EHLO client.test', 'MAIL FROM:<x@elsewhere.test>', f'RCPT TO:<{third}>', 'DATA'):
            assert w.ask(command)[0] in '23', command
        old, lost = office.store_pid(), office.log_tail(1 << 24).count('edge.store-lost')
        os.kill(office.process.pid, signal.SIGSTOP)
        try:
            os.kill(old, signal.SIGKILL)
            wait_until(lambda: office.log_tail(1 << 24).count('edge.store-lost') >= lost + len(office.edge_pids()), 20,
                       'the edges notice')
            reply = w.ask('Subject: third\r\n\r\nfor the third alone\r\n.')
            assert reply.startswith('451'), reply
        finally:
            os.kill(office.process.pid, signal.SIGCONT)
        wait_until(lambda: office.store_pid() not in (None, old), 20, 'another store')
        wait_until(lambda: office.run('who').returncode == 0, 20, 'it answers')
        with office.wire('smtp') as other:  # the edge has it
            other.reply()
            other.ask('EHLO client.test')
            wait_until(lambda: other.ask('MAIL FROM:<x@elsewhere.test>').startswith('250'), 20, 'mail is taken')
        reply = w.ask('MAIL FROM:<x@elsewhere.test>')
        assert reply.startswith('250'), reply
        wait_until(lambda: w.ask(f'RCPT TO:<{fourth}>').startswith('250'), 20, 'mail is taken')
        assert w.ask('DATA').startswith('354')
        assert w.ask('Subject: fourth\r\n\r\nfor the fourth\r\n.').startswith('250')
    got = office.fetch(fourth)
    assert len(got) == 1 and got[0].endswith(b'Subject: fourth\r\n\r\nfor the fourth\r\n'), got
    assert b'third' not in got[0] and office.fetch(third) == [], got


def test_an_edge_that_is_stuck_is_relieved(_):
    """Edges leave new connections to the first of them while it can do the work; one that rests takes who waits when the
    first does not."""
    office = Office(config='edges = 2\nlog_level = "debug"\n')
    office.open()

    def look_in():
        with office.wire('pop3') as w:
            assert w.reply().startswith('+OK')

    def rests():  # so many come that it is worth it, and no more than one can serve, whatever the machine
        for pause in 0.001, 0.01, 0.03:
            for _ in range(20):
                look_in()
                time.sleep(pause)
        return 'edge.rests' in office.log_tail(1 << 20)
    try:
        wait_until(rests, 60, 'the second edge rests')
        first = next(pid for pid in office.edge_pids() if name_of(pid) == 'edge0')
        os.kill(first, signal.SIGSTOP)
        try:
            for _ in range(5):
                look_in()
        finally:
            os.kill(first, signal.SIGCONT)
        wait_until(lambda: office.log_tail(1 << 20).rfind('edge.relieves') > office.log_tail(1 << 20).rfind('edge.rests'), 60,
                   'nobody rests while there is nothing to do')
        office.close()
    finally:
        office.destroy()
