"""mailbox import and export: other servers' mail and UIDLs, with and without a running server."""

import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from office import Skip, Wire, wait_until

DATA, NO_INPUT_KINDS, EXISTS = 65, (64, 67), 73
SEPARATOR = b'From x@y.test Sat Jan  3 01:05:34 1996\n'
ODD = [
    b'From: a@b.test\nSubject: plain\n\nhello\n',
    b'From: a@b.test\nSubject: dots\n\n.\n..\n.x\n',
    b'From: a@b.test\nSubject: From lines\n\nFrom here on\n>From there\n>>From far\n> From\n',
    b'From: a@b.test\nSubject: separator inside\n\n' + SEPARATOR + b'text\n',
    b'From: a@b.test\nSubject: empty lines\n\n\n\nend\n\n\n',
    b'From: a@b.test\nSubject: header only\n\n',
    b'From: a@b.test\nSubject: 8bit \xff\xfe and NUL\n\n\0 \xe4\n',
    b'From: a@b.test\nSubject: long line\n\n' + b'x' * 200000 + b'\n',
    b'From: a@b.test\nSubject: large\n\n' + (b'y' * 77 + b'\n') * 20000,
]


def make_maildir(path, messages):
    """{file name: octets}"""
    for sub in ('cur', 'new', 'tmp'):
        os.makedirs(os.path.join(path, sub))
    for i, raw in enumerate(messages):
        where = ('new', f'{1700000000 + i}.M{i}.h') if i % 2 else ('cur', f'{1700000000 + i}.M{i}.h:2,S')
        with open(os.path.join(path, *where), 'wb') as f:
            f.write(raw)


def read_maildir(path):
    """Messages in the order of their UIDs in dovecot-uidlist."""
    found = []
    with open(os.path.join(path, 'dovecot-uidlist'), encoding='ascii') as f:
        for line in list(f)[1:]:
            with open(os.path.join(path, 'new', line.rstrip('\n').split(':', 1)[1]), 'rb') as m:
                found.append(m.read())
    return found


def quoted(raw):
    return re.sub(rb'(?m)^(>*From )', rb'>\1', raw)


def uidls(office, user):
    pop = office.pop(user)
    lines = pop.uidl()[1]
    pop.quit()
    return [line.split()[1].decode() for line in lines]


def scratch(office, name):
    path = office.path('..', f'{os.path.basename(office.path())}.{name}')
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def box(office, name):
    address = f'{name}@example.test'
    office.add_account(address)
    return address


def import_json(office, *words, code=0):
    done = office.run('mailbox', 'import', *words, '--json')
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


def round_trip(office, tag):
    top = scratch(office, f'round-{tag}')
    source = os.path.join(top, 'md')
    make_maildir(source, ODD)
    ann = box(office, f'round-{tag}')
    first = import_json(office, ann, source)
    assert (first['stored'], first['bad']) == (len(ODD), 0), first
    again = import_json(office, ann, source)
    assert (again['stored'], again['present']) == (0, len(ODD)), again
    office.must('mailbox', 'export', ann, os.path.join(top, 'out'), '--format', 'maildir')
    assert read_maildir(os.path.join(top, 'out')) == ODD
    mbox = os.path.join(top, 'out.mbox')
    office.must('mailbox', 'export', ann, mbox)
    with open(mbox, 'rb') as f:
        text = f.read()
    separators = re.findall(rb'(?m)^From \S+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n', text)
    assert len(separators) == len(ODD), separators
    parts = re.split(rb'(?m)^From \S+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n', text)[1:]
    assert parts == [quoted(raw) + b'\n' for raw in ODD]
    bob = box(office, f'back-{tag}')
    assert import_json(office, bob, mbox)['stored'] == len(ODD)
    office.must('mailbox', 'export', bob, os.path.join(top, 'out2'))
    assert read_maildir(os.path.join(top, 'out2')) == ODD
    # Over an exported Maildir the UIDLs travel too.
    cy = box(office, f'uidl-{tag}')
    assert import_json(office, cy, os.path.join(top, 'out'))['stored'] == len(ODD)
    shutil.rmtree(top)
    return ann, cy


def test_round_trip_served(office):
    ann, cy = round_trip(office, 'served')
    assert uidls(office, ann) == uidls(office, cy)


def test_round_trip_alone(office):
    office.stop()
    try:
        ann, cy = round_trip(office, 'alone')
    finally:
        office.start()
    assert uidls(office, ann) == uidls(office, cy)


def test_interrupted(office):
    """Killed in the middle, run again: everything once."""
    top = scratch(office, 'kill')
    mbox = os.path.join(top, 'in.mbox')
    count = 6000
    with open(mbox, 'wb') as f:
        for i in range(count):
            f.write(SEPARATOR + b'From: a@b.test\nSubject: %d\n\n' % i + b'line\n' * 20 + b'\n')
    ann = box(office, 'interrupted')
    words = office.command('mailbox', 'import', ann, mbox) if hasattr(office, 'command') else None
    for after in (0.05, 0.2):
        p = subprocess.Popen(words or [office_binary(), 'mailbox', 'import', ann, mbox, '--state',
                                       office.path()], stdout=subprocess.DEVNULL)
        time.sleep(after)
        p.send_signal(signal.SIGKILL)
        p.wait()
    last = import_json(office, ann, mbox)
    assert last['messages'] == count and last['stored'] + last['present'] == count, last
    with open(mbox, 'ab') as f:
        f.write(SEPARATOR + b'From: a@b.test\nSubject: later\n\nx\n\n')
    grown = import_json(office, ann, mbox)
    assert grown['stored'] == 1 and grown['present'] == count, grown
    out = os.path.join(top, 'out.mbox')
    office.must('mailbox', 'export', ann, out, '--format', 'mboxrd')
    with open(out, 'rb') as f:
        subjects = re.findall(rb'(?m)^Subject: (\S+)$', f.read())
    assert subjects == [b'%d' % i for i in range(count)] + [b'later']
    shutil.rmtree(top)


def test_quota(office):
    """Stops at the quota to the message, goes on from there when there is room."""
    top = scratch(office, 'quota')
    mbox = os.path.join(top, 'in.mbox')
    with open(mbox, 'wb') as f:
        for i in range(300):
            f.write(SEPARATOR + b'From: a@b.test\nSubject: %03d\n\n' % i + b'line\n' * 20 + b'\n')

    def run(ann, code, *options):
        done = office.run('mailbox', 'import', ann, mbox, '--json', *options)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        if code == 75:
            assert b'its quota is used up; the same import again goes on' in done.stderr, done
        return json.loads(done.stdout)['stored'], office.json('account', 'show', ann)[0]['messages']

    for name, served in (('quota', True), ('quota-alone', False)):
        ann = box(office, name)
        if not served:
            office.stop()
        office.must('account', 'set', ann, '--quota-messages', '200')
        assert run(ann, 75) == (200, 200)
        assert run(ann, 75) == (0, 200)
        octets = office.json('account', 'show', ann)[0]['octets']
        office.must('account', 'set', ann, '--quota-messages', 'none',
                    '--quota-bytes', str(octets * 5 // 4))  # all are of one size
        assert run(ann, 75) == (50, 250)
        assert run(ann, 0, '--over-quota') == (50, 300)
        office.must('account', 'set', ann, '--quota-bytes', str(octets * 3 // 2))
        assert run(ann, 0) == (0, 300)
        if not served:
            office.start()
    shutil.rmtree(top)


def office_binary():
    from office import BIN
    return BIN


def test_deleted_stays_deleted(office):
    top = scratch(office, 'deleted')
    make_maildir(os.path.join(top, 'md'), ODD[:3])
    ann = box(office, 'deleted')
    import_json(office, ann, os.path.join(top, 'md'))
    pop = office.pop(ann)
    pop.dele(2)
    pop.quit()
    assert import_json(office, ann, os.path.join(top, 'md'))['stored'] == 0
    assert len(uidls(office, ann)) == 2
    shutil.rmtree(top)


def test_list_in_parts(office):
    """More than one answer has room for, beside a server and without one."""
    office.add_account('many@example.test')
    path = os.path.join(scratch(office, 'many'), 'box')
    with open(path, 'wb') as f:
        f.write(b''.join(SEPARATOR + b'Message-ID: <%d@x>\n\nx\n\n' % i for i in range(2001)))
    office.must('mailbox', 'import', 'many@example.test', path)
    served = office.json('mailbox', 'list', 'many@example.test')
    assert [r['number'] for r in served] == list(range(1, 2002))
    assert [r['message_id'] for r in served] == [f'<{i}@x>' for i in range(2001)], served[-1]
    plain = office.must('mailbox', 'list', 'many@example.test').decode().splitlines()
    assert [line.split('\t')[1] for line in plain] == [r['uidl'] for r in served]
    assert office.json('mailbox', 'list', 'many@example.test', '--folder', 'junk') == []
    assert office.run('mailbox', 'list', 'nobody@example.test').returncode == 67
    office.stop()
    assert office.json('mailbox', 'list', 'many@example.test') == served
    office.start()


def test_bad(office):
    top = scratch(office, 'bad')
    files = {'ok.eml': ODD[0], 'empty.eml': b'', 'picture.eml': b'\x89PNG\r\n\x1a\n', 'other.txt': ODD[1],
             'crlf.eml': b'A: b\r\n\r\nx\r\n'}
    for name, raw in files.items():
        with open(os.path.join(top, name), 'wb') as f:
            f.write(raw)
    ann = box(office, 'bad')
    sum_ = import_json(office, ann, top, code=DATA)
    assert (sum_['stored'], sum_['bad']) == (2, 2), sum_
    done = office.run('mailbox', 'import', ann, top)
    text = done.stderr.decode()
    assert 'empty.eml' in text and 'picture.eml' in text and 'ok.eml' not in text, text
    nothing = {'messages': 0, 'stored': 0, 'present': 0, 'bad': 0, 'octets': 0}
    with open(os.path.join(top, 'emptied'), 'wb'):
        pass
    assert import_json(office, ann, os.path.join(top, 'emptied')) == nothing
    assert office.run('mailbox', 'import', ann, os.path.join(top, 'nothing')).returncode == 67
    assert office.run('mailbox', 'import', 'nobody@example.test', top).returncode == 67
    assert office.run('mailbox', 'import', ann, top, '--format', 'mbx').returncode == 64
    assert office.run('mailbox', 'import', ann, top, '--uidl-format', '%v').returncode == 64
    out = os.path.join(top, 'out')
    os.mkdir(out)
    with open(os.path.join(out, 'mine'), 'wb') as f:
        f.write(b'x')
    for form in ('maildir', 'mboxrd'):
        done = office.run('mailbox', 'export', ann, out, '--format', form)
        assert done.returncode == EXISTS, done
    assert os.listdir(out) == ['mine']
    shutil.rmtree(top)


def test_x_uidl_and_templates(office):
    top = scratch(office, 'xuidl')
    mbox = os.path.join(top, 'in.mbox')
    with open(mbox, 'wb') as f:
        for uidl in (b'first', b'has space', b'x' * 71, b'last'):
            f.write(SEPARATOR + b'From: a@b.test\nX-UIDL: ' + uidl + b'\n\ntext\n\n')
    ann, bob = box(office, 'xuidl'), box(office, 'noxuidl')
    import_json(office, ann, mbox, '--uidl-format', 'x-uidl')
    got = uidls(office, ann)
    assert got[0] == 'first' and got[3] == 'last', got
    assert len(got[1]) == len(got[2]) == 26, got
    import_json(office, bob, mbox)
    assert all(len(u) == 26 for u in uidls(office, bob))
    md = os.path.join(top, 'md')
    make_maildir(md, ODD[:2])
    with open(os.path.join(md, 'courierpop3dsizelist'), 'w', encoding='ascii') as f:
        f.write('/3 9 1700000000\n1700000000.M0.h 40 7:1700000000:0\n')
    cy, di = box(office, 'courier'), box(office, 'byname')
    import_json(office, cy, md)
    got = uidls(office, cy)
    assert got[0] == 'UID7-1700000000' and len(got[1]) == 26, got
    import_json(office, di, md, '--uidl-format', '%f')
    assert uidls(office, di) == ['1700000000.M0.h', '1700000001.M1.h']
    shutil.rmtree(top)


def test_folders(office):
    top = scratch(office, 'folders')
    md = os.path.join(top, 'md')
    make_maildir(md, ODD[:2])
    make_maildir(os.path.join(md, '.Sent'), ODD[2:3])
    ann = box(office, 'folders')
    assert import_json(office, ann, md)['stored'] == 2
    assert import_json(office, ann, md, '--folders')['stored'] == 1
    shutil.rmtree(top)


DOVECOT = '''
base_dir = {top}/run
state_dir = {top}/run
log_path = {top}/log
protocols = pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_location = maildir:{top}/md
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={top}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
'''


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Dovecot:
    def __init__(self, top):
        binary = shutil.which('dovecot', path=os.environ.get('PATH', '') + ':/usr/sbin')
        if binary is None:
            raise Skip('no dovecot')
        if os.getuid() != 0:
            raise Skip('Dovecot drops rights, so it wants root')
        user = pwd.getpwnam('nobody')
        self.port, self.config = free_port(), os.path.join(top, 'dovecot.conf')
        with open(self.config, 'w', encoding='ascii') as f:
            f.write(DOVECOT.format(top=top, port=self.port, user='nobody', group='nogroup'))
        for path, dirs, files in os.walk(top):
            for name in dirs + files:
                os.chown(os.path.join(path, name), user.pw_uid, user.pw_gid)
        os.chmod(top, 0o755)
        self.process = subprocess.Popen([binary, '-F', '-c', self.config], stderr=subprocess.DEVNULL)
        try:
            wait_until(self.listens, 20, 'Dovecot')
        except AssertionError:
            self.stop()
            with open(os.path.join(top, 'log'), encoding='utf-8', errors='replace') as f:
                raise AssertionError(f.read()[-1500:]) from None

    def listens(self):
        try:
            socket.create_connection(('127.0.0.1', self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def uidls(self):
        with Wire(self.port) as w:
            w.line()
            for command in ('USER ann', 'PASS secret'):
                answer = w.pop(command)
            assert b'+OK' in (answer if isinstance(answer, bytes) else answer.encode()), answer
            w.send('UIDL\r\n')
            w.line()
            lines = w.multi()
            w.send('QUIT\r\n')
            w.line()
        return [(line.decode() if isinstance(line, bytes) else line).split()[1] for line in lines]

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def test_from_dovecot(office):
    """The same UIDLs over POP3 before and after."""
    top = tempfile.mkdtemp(prefix='restante-dovecot.')
    try:
        make_maildir(os.path.join(top, 'md'), ODD)
        os.mkdir(os.path.join(top, 'run'))
        dovecot = Dovecot(top)
        try:
            before = dovecot.uidls()
        finally:
            dovecot.stop()
        assert len(set(before)) == len(ODD), before
        ann = box(office, 'dovecot')
        assert import_json(office, ann, os.path.join(top, 'md'))['stored'] == len(ODD)
        assert sorted(uidls(office, ann)) == sorted(before)
        # And back: what we export keeps them at Dovecot.
        shutil.rmtree(os.path.join(top, 'md'))
        office.must('mailbox', 'export', ann, os.path.join(top, 'md'), '--format', 'maildir')
        dovecot = Dovecot(top)
        try:
            assert dovecot.uidls() == uidls(office, ann)
        finally:
            dovecot.stop()
    finally:
        shutil.rmtree(top)
