"""A full disk, a second server, a state directory of a later version: nothing is lost, and the office
says what is wrong."""

import contextlib
import glob
import os
import shutil
import subprocess
import time

import messages
from office import BIN, Office, Skip, added, environment, wait_until

ANN = 'ann@example.test'
SIZE = 24  # MiB


@contextlib.contextmanager
def small_disk():
    """An office whose state directory is a file system of its own."""
    if os.geteuid() != 0:
        raise Skip('only root can mount a small file system')
    o = Office(accounts=(ANN, 'bob@example.test'), config='segment_size = "1M"\ndisk_free_min = 0\n')
    os.mkdir(o.state)
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={SIZE}m,mode=700', 'restante-test',
                           o.state], capture_output=True, check=False)
    if done.returncode != 0:
        raise Skip(f'mount: {done.stderr.decode().strip()}')
    try:
        o.open()
        yield o
        o.close()
    finally:
        o.destroy()
        time.sleep(0.2)
        subprocess.run(['umount', '-l', o.state], check=False)
        shutil.rmtree(o.dir, ignore_errors=True)


def fill_up(o):
    """Not a block stays free."""
    with open(o.path('filler'), 'wb', buffering=0) as f:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    f.write(b'\0' * size)
            except OSError:
                pass


def transaction(w, raw, chunked):
    w.ask('MAIL FROM:<x@elsewhere.test>')
    reply = w.ask(f'RCPT TO:<{ANN}>')
    if not reply.startswith('250'):
        w.ask('RSET')
        return reply
    if chunked:
        return w.ask(b'BDAT %d LAST\r\n' % len(raw) + raw)
    reply = w.ask('DATA')
    return w.ask(raw + b'.\r\n') if reply.startswith('354') else reply


def until_refused(o, raw):
    """Delivers until there is no room; the refusal, and how many were taken."""
    taken = 0
    with o.wire('smtp', timeout=60) as w:
        w.reply()
        w.ask('EHLO client.test')
        for n in range(2000):
            reply = transaction(w, raw, n % 2 == 1)
            if not reply.startswith('250'):
                return reply, taken
            taken += 1
    raise AssertionError(f'{taken} messages and still room')


def test_full_disk(_):
    for size in (2000, 700000):  # in the journal, and files of their own
        with small_disk() as o:
            raw = messages.plain(b'x' * 70 + b'\r\n') + (b'y' * 70 + b'\r\n') * (size // 72)
            for _n in range(5):
                o.deliver(raw)
            fill_up(o)
            reply, taken = until_refused(o, raw)
            # RFC 3463 3.4: mail system full; a temporary failure, so that the sender tries again.
            assert reply.startswith('452 4.3.1'), reply
            count = 5 + taken
            # Reading and deleting go on.
            p = o.pop(ANN)
            assert p.stat()[0] == count, (p.stat(), count)
            for n in (1, count):
                added(b''.join(line + b'\r\n' for line in p.retr(n)[1]), raw)
            p.dele(1)
            p.dele(2)
            assert p.quit().startswith(b'+OK')
            p = o.pop(ANN)
            assert p.stat()[0] == count - 2, 'what was acknowledged stays deleted'
            p.quit()
            reply, _taken = until_refused(o, raw)
            assert reply.startswith('452 4.3.1'), reply
            # Room again: the same processes go on.
            pids = sorted(o.children())
            os.remove(o.path('filler'))

            def taken_again():
                with o.wire('smtp') as w:
                    w.reply()
                    w.ask('EHLO client.test')
                    return transaction(w, raw, False).startswith('250')
            wait_until(taken_again, 30, 'mail is taken again')
            assert sorted(o.children()) == pids, 'a process had to be started again'
            before = len(o.fetch(ANN, delete=False))
            o.stop()
            o.start()
            got = o.fetch(ANN)
            assert len(got) == before, (len(got), before)
            for g in got:
                added(g, raw)


test_full_disk.seconds = 240


def test_sessions_on_a_full_disk_say_so(_):
    """An account can be looked at and a maildrop opened even when the disk was full at the start."""
    with small_disk() as o:
        raw = messages.plain(b'before\r\n')
        o.deliver(raw)
        o.stop()
        fill_up(o)
        o.start()
        added(o.fetch(ANN, delete=False)[0], raw)
        reply, _ = until_refused(o, raw * 100)
        assert reply.startswith('452 4.3.1'), reply
        os.remove(o.path('filler'))
        with o.wire('smtp') as w:
            w.reply()
            w.ask('EHLO client.test')
            wait_until(lambda: transaction(w, raw, False).startswith('250'), 30, 'taken again')


def serve(state):
    return subprocess.run([BIN, 'serve', '--state', state], capture_output=True, timeout=60,
                          check=False, env=environment())


def test_two_servers(office):
    started = time.monotonic()
    done = serve(office.state)
    assert done.returncode == 75, (done.returncode, done.stderr)  # EX_TEMPFAIL
    assert time.monotonic() - started < 30
    assert b'another' in done.stderr or b'running' in done.stderr or b'lock' in done.stderr, done.stderr
    raw = messages.plain(b'the first one serves on\r\n')
    office.deliver(raw)
    added(office.fetch_one(), raw)


def tree(path):
    found = {}
    for where, _, names in os.walk(path):
        for name in names:
            full = os.path.join(where, name)
            if os.path.isfile(full):
                with open(full, 'rb') as f:
                    found[full] = (os.stat(full).st_mtime_ns, f.read())
    return found


def test_a_later_version_is_refused_and_untouched(office):
    office.stop()
    with open(office.path('version'), encoding='ascii') as f:
        was = f.read()
    try:
        with open(office.path('version'), 'w', encoding='ascii') as f:
            f.write('999\n')
        before = tree(office.state)
        done = serve(office.state)
        assert done.returncode == 78, (done.returncode, done.stderr)
        assert b'format 999' in done.stderr, done.stderr
        assert tree(office.state) == before
    finally:
        with open(office.path('version'), 'w', encoding='ascii') as f:
            f.write(was)
        office.start()
    raw = messages.plain(b'as before\r\n')
    office.deliver(raw)
    added(office.fetch_one(), raw)


def test_an_index_that_cannot_be_made(_office):
    """That is no mistake of the configuration, after which nobody would start the server again."""
    with small_disk() as o:
        o.stop()
        for path in glob.glob(o.path('store', 'index*')):
            os.remove(path)
        os.truncate(o.path('store', 'reserve'), 0)
        fill_up(o)
        done = o.run('serve')
        assert done.returncode == 75 and b'is the disk full' in done.stderr, done
        os.remove(o.path('filler'))
        o.start()
        o.deliver(messages.plain(b'again\r\n', 'again'))
