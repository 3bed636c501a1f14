"""What packaging/ promises: passed sockets, few capabilities, a unit systemd accepts, a fail2ban filter."""

import os
import re
import shutil
import socket
import subprocess
import tempfile

from office import BIN, PASSWORD, Skip, added, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGING = os.path.join(ROOT, 'packaging')
ANN = 'ann@example.test'


def unit_setting(name):
    with open(os.path.join(PACKAGING, 'systemd', 'restante.service'), encoding='utf-8') as f:
        return re.search(rf'(?m)^{name}=(.*)$', f.read()).group(1)


def works(office):
    sent = b'From: x@elsewhere.test\r\nSubject: through the door\r\n\r\nhello\r\n'
    office.deliver(sent)
    assert added(office.fetch_one(), sent) is not None


def test_passed_sockets(office):
    """The one listener that was passed is used, a stranger's is closed and named."""
    office.stop()
    ours, stray = socket.socket(), socket.socket()
    for s, port in ((ours, office.port('smtp')), (stray, 0)):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(('127.0.0.1', port))
        s.listen(16)
    # The connection waits before there is a server: only then is it proved whose socket it is.
    waiting = socket.create_connection(('127.0.0.1', office.port('smtp')), timeout=20)
    number = stray.getsockname()[1]
    fds = (ours.fileno(), stray.fileno())
    script = (f'exec 3<&{fds[0]} 4<&{fds[1]}; export LISTEN_FDS=2 LISTEN_PID=$$ LISTEN_FDNAMES=a:b; '
              'exec "$@"')
    # dash knows no descriptor above 9, and a long run has more open
    office.start(before=('bash', '-c', script, 'bash'), pass_fds=fds)
    ours.close()
    stray.close()
    try:
        assert waiting.recv(100).startswith(b'220 ')
        works(office)
        assert re.search(rf'event=listen\.unused .*port={number}\b', office.log_tail(20000))
    finally:
        waiting.close()
        office.stop()
        office.start()


def test_not_for_us(office):
    """Descriptors that were meant for another process are not touched."""
    office.stop()
    office.start(before=('sh', '-c', 'export LISTEN_FDS=1 LISTEN_PID=1; exec "$@"', 'sh'))
    works(office)


def test_capabilities(office):
    """With the capabilities of the unit and no others everything works, also stopping."""
    if os.getuid() != 0 or shutil.which('setpriv') is None:
        raise Skip('wants root and setpriv')
    caps = [c.lower().removeprefix('cap_') for c in unit_setting('CapabilityBoundingSet').split()]
    office.stop()
    office.start(before=('setpriv', '--no-new-privs', '--bounding-set',
                         ','.join(['-all', *('+' + c for c in caps)]),
                         '--inh-caps', '-all', '--'))
    try:
        works(office)
        office.must('account', 'list')
        edges = office.edge_pids()
        assert edges
        for pid in edges:
            os.kill(pid, 9)
        wait_until(lambda: office.edge_pids() and not set(edges) & set(office.edge_pids()), 30,
                   'edges come back')
        works(office)
    finally:
        office.stop()
        office.start()


def test_unit(office):
    if shutil.which('systemd-analyze') is None:
        raise Skip('no systemd-analyze')
    top = tempfile.mkdtemp(prefix='restante-unit.')
    try:
        for name in ('restante.service', 'restante.socket'):
            with open(os.path.join(PACKAGING, 'systemd', name), encoding='utf-8') as f:
                text = f.read().replace('/usr/bin/restante', BIN).replace('man:restante(1)',
                                                                          'https://localhost/')
            with open(os.path.join(top, name), 'w', encoding='utf-8') as f:
                f.write(text)
        done = subprocess.run(['systemd-analyze', 'verify', '--man=no',
                               os.path.join(top, 'restante.service'),
                               os.path.join(top, 'restante.socket')],
                              capture_output=True, timeout=60, check=False)
        said = [line for line in done.stderr.decode().splitlines() if 'restante' in line]
        assert done.returncode == 0 and not said, done.stderr.decode()
    finally:
        shutil.rmtree(top)


def test_fail2ban(office):
    """The filter finds the real lines, all of them, and nothing that a user name pretends."""
    if shutil.which('fail2ban-regex') is None:
        raise Skip('no fail2ban')
    with open(office.log, 'rb') as f:
        f.seek(0, 2)
        begin = f.tell()
    users = [ANN, 'a ip=192.0.2.99 user=x@y', '"quoted"']
    for user in users:
        with office.wire('pop3s') as w:
            w.line()
            w.pop(f'USER {user}')
            assert '-ERR' in str(w.pop('PASS wrong'))
    top = tempfile.mkdtemp(prefix='restante-fail2ban.')
    try:
        with open(office.log, 'rb') as f:
            f.seek(begin)
            lines = f.read()
        failed = lines.count(b'event=auth.failed ')
        assert failed >= 2, lines
        path = os.path.join(top, 'log')
        with open(path, 'wb') as f:
            f.write(lines)
        done = subprocess.run(['fail2ban-regex', '--print-all-matched', path,
                               os.path.join(PACKAGING, 'fail2ban', 'filter.d', 'restante.conf')],
                              capture_output=True, timeout=60, check=False)
        said = done.stdout.decode()
        matched = re.search(r'Lines: \d+ lines, \d+ ignored, (\d+) matched', said)
        assert matched and int(matched.group(1)) == failed, said
        out = subprocess.run(['fail2ban-regex', '--out', 'ip', path,
                              os.path.join(PACKAGING, 'fail2ban', 'filter.d', 'restante.conf')],
                             capture_output=True, timeout=60, check=False).stdout.decode().split()
        assert set(out) == {'127.0.0.1'}, out
    finally:
        shutil.rmtree(top)


def test_passwords_are_not_there(office):
    with open(office.log, 'rb') as f:
        assert PASSWORD.encode() not in f.read()
