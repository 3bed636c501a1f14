"""Who comes from fetchmail, getmail or mpop: their configuration, and what they have fetched is not fetched again."""

import json
import os
import stat
import subprocess
import tempfile

from office import BIN, PASSWORD, environment
from test_clients import good, need, run

ANN = 'ann@example.test'


class Move:
    """A home directory with another program's files, and a state directory of ours that is not there yet."""

    def __init__(self, office, count):
        self.office = office
        pop = office.pop(ANN)
        for n in range(1, pop.stat()[0] + 1):
            pop.dele(n)
        pop.quit()
        self.deliver(*(f'old{i}' for i in range(count)))

    def deliver(self, *names):
        for name in names:
            self.office.deliver(f'Subject: {name}\r\nMessage-ID: <{name}@x>\r\n\r\n.x\r\n'.encode(), to=ANN)

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.home = self.folder.name
        self.state = os.path.join(self.home, 'share', 'restante')
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def write(self, name, text):
        path = os.path.join(self.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(text)
        return path

    def read(self, name):
        with open(os.path.join(self.home, name), encoding='utf-8') as f:
            return f.read()

    def env(self):
        return dict(environment(), HOME=self.home)

    def restante(self, *words, code=0):
        done = subprocess.run([BIN, *words, '--state', self.state], capture_output=True, timeout=60, check=False,
                              env=self.env(), stdin=subprocess.DEVNULL)
        assert done.returncode == code, (words, done)
        return done

    def take_over(self, known, *words):
        """--dry-run shows and does nothing; then it is done; then it is done once more, which changes nothing."""
        shown = self.restante('fetch', *words, '--dry-run')
        assert b'remote "' in shown.stdout and PASSWORD.encode() not in shown.stdout + shown.stderr, shown
        assert not os.path.exists(self.state)
        result = json.loads(self.restante('fetch', *words, '--json').stdout)
        assert [(r['new'], r['known']) for r in result['remotes']] == [(True, known)], result
        secret = os.path.join(self.state, 'secrets', result['remotes'][0]['remote'])
        assert stat.S_IMODE(os.stat(secret).st_mode) == 0o600
        again = json.loads(self.restante('fetch', *words, '--json').stdout)
        assert [(r['new'], r['known']) for r in again['remotes']] == [(False, known)], again
        return result

    def fetches_only_what_is_new(self, total):
        def fetch():
            return json.loads(self.restante('fetch', '--json').stdout)[0]
        first = fetch()
        assert (first['on_server'], first['new'], first['stored'], first['error']) == (total, 0, 0, ''), first
        self.deliver('late')
        second = fetch()
        assert (second['on_server'], second['new'], second['stored']) == (total + 1, 1, 1), second


def test_fetchmail(office):
    need('fetchmail')
    with Move(office, 3) as m:
        rc = m.write('.fetchmailrc', f'''set daemon 300
poll localhost service {office.port('pop3s')} proto pop3 timeout 30
    user "{ANN}" there with password "{PASSWORD}" is joe here
    options keep ssl sslcertck sslcertfile "{office.ca}" fetchlimit 100 mda "cat >> {m.home}/mail"
''')
        good(run('fetchmail', '-f', rc, '-i', f'{m.home}/.fetchids', '--pidfile', f'{m.home}/pid', '--nodetach', '-d0',
                 env=m.env()))
        assert m.read('mail').count('Subject: old') == 3
        result = m.take_over(3, '--import-fetchmail', rc, '--import-idfile', f'{m.home}/.fetchids')
        assert any(':1: set daemon is not taken over' in n for n in result['notes']), result
        assert any(':4: fetchlimit is not taken over' in n for n in result['notes']), result
        m.fetches_only_what_is_new(3)
        assert m.read('mail').count('Subject: old') == 3 and m.read('mail').count('Subject: late') == 1


def test_mpop_and_msmtp(office):
    need('mpop')
    with Move(office, 3) as m:
        rc = m.write('.mpoprc', f'''defaults
tls on
tls_starttls off
tls_trust_file {office.ca}
keep on
account work
host localhost
port {office.port('pop3s')}
user {ANN}
password "{PASSWORD}"
delivery mbox ~/mbox
received_header off
account default : work
''')
        sends = m.write('.msmtprc', f'''account work
tls on
tls_starttls off
tls_trust_file {office.ca}
host localhost
port {office.port('submissions')}
from {ANN}
auth on
user {ANN}
password "{PASSWORD}"
logfile ~/.msmtp.log
''')
        m.write('.mpop_uidls/.keep', '')
        good(run('mpop', '-C', rc, env=m.env()))
        assert m.read('mbox').count('Subject: old') == 3
        result = m.take_over(3, '--import-mpop', rc, '--import-msmtp', sends)
        assert len([n for n in result['notes'] if 'is not taken over' in n]) == 2, result
        m.fetches_only_what_is_new(3)
        assert m.read('mbox').count('Subject: late') == 1
        # The sending half works as well.
        done = subprocess.run([BIN, 'send', '-a', 'work', 'bob@example.test', '--state', m.state], capture_output=True,
                              input=b'Subject: sent\n\nx\n', env=m.env(), timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b''), done
        assert b'Subject: sent\r\n' in office.fetch_one('bob@example.test')


def test_getmail(office):
    need('getmail')
    with Move(office, 3) as m:
        folder = os.path.join(m.home, 'getmail')
        for name in ('new', 'cur', 'tmp'):
            os.makedirs(os.path.join(folder, 'box', name))
        with open(office.ca, encoding='ascii') as f:
            m.write('getmail/ca.pem', f.read())
        m.write('getmail/getmailrc', f'''[retriever]
type = SimplePOP3SSLRetriever
server = localhost
port = {office.port('pop3s')}
username = {ANN}
password = {PASSWORD}
ca_certs = {folder}/ca.pem
[destination]
type = Maildir
path = {folder}/box/
[options]
read_all = false
delivered_to = false
''')
        command = ['getmail', '--getmaildir', folder]
        if os.geteuid() == 0:  # it delivers to nobody's files only, never to root's
            os.chmod(m.home, 0o755)
            run('chown', '-R', 'nobody', folder)
            command = ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups', *command]
        good(run(*command, env=dict(m.env(), HOME=folder)))
        box = os.path.join(folder, 'box', 'new')
        assert len(os.listdir(box)) == 3
        result = m.take_over(3, '--import-getmail', folder)
        assert any('[options] delivered_to is not taken over' in n for n in result['notes']), result
        m.fetches_only_what_is_new(3)
        assert len(os.listdir(box)) == 4


def test_what_is_wrong_is_told(office):
    with Move(office, 0) as m:
        for words, code, told in (
                (('--import-fetchmail', '/nonexistent'), 66, b'open /nonexistent'),
                (('--import-getmail', m.home), 66, b'no configuration of getmail'),
                (('--import-idfile', '/x'), 64, b'goes with --import-fetchmail'),
                (('--import-mpop', m.write('rc', 'account a\nhost x.test\nskipsize 99999999999999999k\n')), 78,
                 b'skip_size')):
            done = m.restante('fetch', *words, code=code)
            assert told in done.stderr and done.stderr.count(b'\n') == 1 and not os.path.exists(m.state), done
        # Without what was fetched everything would come again, which is said.
        done = m.restante('fetch', '--import-mpop', m.write('rc', 'account a\nhost x.test\nuser u\ntls on\n'), '--dry-run')
        assert b'will come once more' in done.stderr and b'a: would be new, 0 messages are known' in done.stdout, done
