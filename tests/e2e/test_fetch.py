"""fetch: a provider's mail into the own store.  The provider is another office of ours."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import tempfile
import time

from office import BIN, PASSWORD, environment

USER = 'ann@example.test'


class Home:
    """A customer's state directory with one remote."""

    def __init__(self, provider, **settings):
        self.dir = tempfile.TemporaryDirectory()
        self.state = os.path.join(self.dir.name, 'home')
        self.must('init', '--domain', 'home.test', '--port-offset', '29000')
        with open(os.path.join(self.state, 'secret'), 'w', encoding='ascii') as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(PASSWORD + '\n')
        self.base = {'address': USER, 'pop3_host': 'localhost', 'pop3_port': provider.port('pop3s'),
                     'password_file': 'secret', 'ca_file': provider.path('tls', 'cert.pem')}
        self.configure(**settings)

    def configure(self, **settings):
        path = os.path.join(self.state, 'restante.conf')
        with open(path, encoding='utf-8') as f:
            text = f.read().split('remote home')[0]
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text + 'remote home {\n')
            for name, value in {**self.base, **settings}.items():
                f.write(f'\t{name} = "{value}"\n')
            f.write('}\n')

    def run(self, *words, timeout=120):
        return subprocess.run([BIN, *words, '--state', self.state], capture_output=True, timeout=timeout,
                              check=False, env=environment())

    def must(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, (words, done)
        return done.stdout

    def fetch(self, *words):
        rows = json.loads(self.must('fetch', '--json', *words))
        return rows[0]

    def subjects(self):
        return sorted(m['subject'] for m in json.loads(self.must('list', '--json')))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.dir.cleanup()


def fill(office, count, prefix='m', size=0):
    for i in range(count):
        office.deliver(f'Subject: {prefix}{i}\r\nMessage-ID: <{prefix}{i}@x>\r\n\r\n.dot\r\n'.encode() +
                       b'x' * 70 + b'\r\n' + (b'z' * 70 + b'\r\n') * (size // 72), to=USER)


def left(office):
    return len(office.json('mailbox', 'list', USER))


def empty(office):
    pop = office.pop(USER)
    for n in range(1, pop.stat()[0] + 1):
        pop.dele(n)
    pop.quit()


def test_keeps_and_fetches_once(office):
    fill(office, 5)
    with Home(office) as home:
        first = home.fetch()
        assert (first['on_server'], first['stored'], first['failed']) == (5, 5, 0), first
        assert home.subjects() == [f'm{i}' for i in range(5)]
        again = home.fetch()
        assert (again['on_server'], again['new'], again['stored']) == (5, 0, 0), again
        fill(office, 1, 'late')
        assert home.fetch()['stored'] == 1
        assert left(office) == 6
        # the same octets and UIDLs as there
        there = {m['uidl']: m['octets'] for m in office.json('mailbox', 'list', USER)}
        here = json.loads(home.must('mailbox', 'list', 'home@remote', '--json'))
        assert {m['uidl']: m['octets'] for m in here} == there


def test_only_when_named(office):
    fill(office, 1, 'named')
    with Home(office, only_named='yes') as home:
        done = home.run('fetch')
        assert done.returncode == 78 and b'only_named' in done.stderr, done
        assert home.subjects() == []
        home.must('fetch', 'home')
        assert 'named0' in home.subjects()
    with Home(office, only_named='yes') as home:
        with open(os.path.join(home.state, 'restante.conf'), encoding='utf-8') as f:
            text = f.read()
        block = text[text.index('remote'):]
        with open(os.path.join(home.state, 'restante.conf'), 'a', encoding='utf-8') as f:
            f.write(block.replace('home', 'other', 1).replace('only_named', 'headers_only'))
        assert [row['remote'] for row in json.loads(home.must('fetch', '--json'))] == ['other']


def test_deletes_what_is_stored(office):
    fill(office, 3, 'd')
    with Home(office, keep='delete') as home:
        plan = home.must('fetch', '--dry-run').decode()
        assert plan.count(': fetch\n') == left(office), plan
        plan = home.fetch('--dry-run')
        assert [m['action'] for m in plan['plan']] == ['fetch'] * left(office) and plan['stored'] == 0, plan
        done = home.fetch()
        assert done['deleted'] == done['stored'] == done['on_server'], done
        assert left(office) == 0
        assert home.fetch()['on_server'] == 0


def settled(home):
    """The digest of a listing of which nothing is to be done."""
    with contextlib.closing(sqlite3.connect(os.path.join(home.state, 'store', 'remote.db'))) as db:
        return [digest for digest, in db.execute("SELECT digest FROM listing WHERE digest != ''")]


def test_a_settled_listing(office):
    """Looks nothing up when it comes again; other rules see each message all the same."""
    empty(office)
    fill(office, 3, 's')
    with Home(office, filter='grep -q s1 && exit 2; exit 0') as home:
        assert home.fetch()['stored'] == 2
        assert not settled(home)  # one was left there
        home.configure()
        assert home.fetch()['stored'] == 1
        first = settled(home)
        assert len(first) == 1
        again = home.fetch()
        assert (again['on_server'], again['new'], again['stored']) == (3, 0, 0), again
        fill(office, 1, 't')
        assert home.fetch()['stored'] == 1
        assert settled(home) not in ([], first)
        home.configure(keep='days', keep_days='0')
        assert home.fetch()['deleted'] == 4
        assert not settled(home) and left(office) == 0


def test_size_rules(office):
    empty(office)
    fill(office, 1, 'small')
    fill(office, 1, 'large', 100000)
    with Home(office, skip_size='50K') as home:
        done = home.fetch()
        assert (done['stored'], done['stubs']) == (2, 1), done
        sizes = {m['subject']: m['octets'] for m in json.loads(home.must('list', '--json'))}
        assert sizes['large0'] < 5000, sizes
        assert home.fetch()['stored'] == 0
    with Home(office, kill_size='50K') as home:
        done = home.fetch()
        assert (done['stored'], done['deleted']) == (1, 1), done
        assert left(office) == 1


def test_what_is_not_believed(office):
    with Home(office, ca_file='/etc/ssl/certs/ca-certificates.crt') as home:
        done = home.run('fetch')
        assert done.returncode == 77 and b'certificate' in done.stderr, done
        home.configure(fingerprint='00' * 32)
        assert home.run('fetch').returncode == 77
        pem = subprocess.run(['openssl', 'x509', '-in', office.path('tls', 'cert.pem'), '-noout', '-fingerprint',
                              '-sha256'], check=True, capture_output=True).stdout.decode()
        home.configure(fingerprint=pem.split('=')[1].strip())
        home.fetch()
        with open(os.path.join(home.state, 'secret'), 'w', encoding='ascii') as f:
            f.write('wrong\n')
        done = home.run('fetch')
        assert done.returncode == 77 and b'refuses' in done.stderr, done
        home.configure(pop3_tls='none', pop3_port=office.port('pop3'))
        assert home.run('fetch').returncode == 78
        home.configure(pop3_port=office.port('pop3'))
        done = home.run('fetch')
        assert done.returncode == 69 and b'does not begin with TLS' in done.stderr, done
        home.configure(pop3_port=1)  # nobody listens there
        assert home.run('fetch').returncode == 75
        for settings, told in (({'password_file': ''}, b'set password_file'),
                               ({'password_file': '/nonexistent'}, b'password_file: open /nonexistent')):
            home.configure(**settings)
            done = home.run('fetch')
            assert done.returncode == 78 and told in done.stderr and done.stderr.count(b'\n') == 1, done


def test_a_configuration_by_hand(office):
    """All that there is in the state directory: fetch makes the rest, and keeps what stands there."""
    empty(office)
    fill(office, 1, 'hand')
    with Home(office) as home:
        with open(os.path.join(home.state, 'restante.conf'), encoding='utf-8') as f:
            text = 'remote home' + f.read().split('remote home')[1].replace('"secret"', f'"{home.state}/secret"')
        fresh = os.path.join(home.dir.name, 'fresh')
        home.state, there = fresh, home.state
        for words in (['fetch'], ['list'], ['send', '--run']):
            done = home.run(*words)
            assert done.returncode == 78 and b'begin with restante setup' in done.stderr, done
        assert not os.path.exists(fresh)
        os.mkdir(fresh)
        with open(os.path.join(fresh, 'restante.conf'), 'w', encoding='utf-8') as f:
            f.write(text)
        assert home.fetch()['stored'] == 1 and os.path.exists(there)
        assert home.subjects() == ['hand0']
        with open(os.path.join(fresh, 'restante.conf'), encoding='utf-8') as f:
            assert f.read() == text


def test_stls(office):
    with Home(office, pop3_tls='starttls', pop3_port=office.port('pop3')) as home:
        assert home.fetch()['on_server'] == left(office)


def test_killed_at_any_moment(office):
    """Nothing is lost, nothing is there twice."""
    empty(office)
    fill(office, 20, 'k')
    want = sorted(f'k{i}' for i in range(20))
    with Home(office, keep='delete') as home:
        for n in range(25):
            child = subprocess.Popen([BIN, 'fetch', '--state', home.state], env=environment(),
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.02 + n * 0.03)
            child.send_signal(signal.SIGKILL)
            child.wait()
            kept = set(home.subjects())
            there = {m['message_id'] for m in office.json('mailbox', 'list', USER)}
            assert len(kept) == len(home.subjects()), 'a message is there twice'
            for i in range(20):
                assert f'k{i}' in kept or f'<k{i}@x>' in there, f'k{i} is lost'
            if not there:
                break
        home.fetch()
        assert home.subjects() == want, home.subjects()
        assert left(office) == 0


def rest_of(home, subject):
    return [m for m in json.loads(home.must('list', '--json')) if m['subject'] == subject]


def test_the_rest_on_demand(office):
    fill(office, 2)
    fill(office, 1, 'big', size=200000)
    with Home(office, skip_size='50K', keep='keep') as home:
        assert home.fetch()['stubs'] == 1
        stub, = rest_of(home, 'big0')
        assert stub['octets'] < 5000
        assert home.run('fetch', '--full', '0' * 20).returncode not in (0, 75)
        assert home.run('fetch', '--full', stub['id'], '--daemon').returncode == 64
        home.must('fetch', '--full', stub['id'][:12], '--dry-run')
        assert rest_of(home, 'big0') == [stub]
        done = home.fetch('--full', stub['id'][:12])
        assert (done['stored'], done['on_server'], done['error']) == (1, 3, ''), done
        whole, = rest_of(home, 'big0')
        assert whole['octets'] > 190000 and whole['uidl'] == stub['uidl'], whole
        assert home.fetch()['stored'] == 0 and left(office) == 3
        # It is whole: nothing is to be done.
        assert home.fetch('--full', whole['id'])['stored'] == 0
        assert home.subjects() == ['big0', 'm0', 'm1']
    with Home(office, skip_size='50K', keep='delete') as home:
        assert home.fetch()['deleted'] == 2
        stub, = rest_of(home, 'big0')
        assert home.fetch('--full', stub['id'])['deleted'] == 1 and left(office) == 0
        whole, = rest_of(home, 'big0')
        assert whole['octets'] > 190000
        done = home.run('fetch', '--full', whole['id'])
        assert done.returncode != 0 and b'no more' in done.stderr, done
