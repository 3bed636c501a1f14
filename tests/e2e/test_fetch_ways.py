"""fetch by other ways: from an address, through a proxy, with a certificate, for many, each remote in its own time."""

import os
import shutil
import signal
import socket
import subprocess
import time

from office import BIN, Skip, environment, wait_until
from peer import Peer
from scripted_pop import ScriptedPop
from test_certificates import ANN, configure, make
from test_fetch import Home
from test_fetch_defects import home_of, mails

OFFICE = {'config': 'ban_after_failures = 0\nauth_failures = 10\n'}


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as s:
        return s.getsockname()[1]


class Socks:
    """microsocks, on loopback."""

    def __init__(self, *words):
        if shutil.which('microsocks') is None:
            raise Skip('microsocks is not installed')
        self.port = free_port()
        self.child = subprocess.Popen(['microsocks', '-i', '127.0.0.1', '-p', str(self.port), '-b', '127.0.0.7',
                                       *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, 5, 'the proxy answers')

    def answers(self):
        with socket.socket() as s:
            return s.connect_ex(('127.0.0.1', self.port)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()


def test_from_an_address(office):
    with ScriptedPop(mails(2)) as server, home_of(server) as home:
        assert home.fetch()['stored'] == 2
        home.configure(source='127.0.0.9')
        assert home.fetch()['stored'] == 0 and server.clients == ['127.0.0.1', '127.0.0.9'], server.clients
        home.configure(source='192.0.2.1')
        done = home.run('fetch')
        assert done.returncode == 75 and b'Cannot assign' in done.stderr, done
        home.configure(source='home')
        done = home.run('fetch')
        assert done.returncode == 78 and b'source is no address' in done.stderr, done


def test_through_a_proxy(office):
    with ScriptedPop(mails(3)) as server, home_of(server) as home:
        with Socks() as plain, Socks('-u', 'ann', '-P', 'pass:w@rd') as closed:
            home.configure(proxy=f'socks5://127.0.0.1:{plain.port}')
            assert home.fetch()['stored'] == 3 and server.clients == ['127.0.0.7'], server.clients
            # The name is looked up behind the proxy, not here.
            home.configure(proxy=f'socks5://127.0.0.1:{plain.port}', pop3_host='no-such-host.invalid')
            done = home.run('fetch')
            assert done.returncode == 75 and b'the proxy: ' in done.stderr, done
            home.configure(proxy=f'socks5://ann:pass:w@rd@127.0.0.1:{closed.port}')
            assert home.fetch()['stored'] == 0 and len(server.clients) == 2
            for who, words in (('', b'a user and a password'), ('ann:wrong@', b'refused the password')):
                home.configure(proxy=f'socks5://{who}127.0.0.1:{closed.port}')
                done = home.run('fetch')
                assert done.returncode in (75, 77) and words in done.stderr, done
        done = home.run('fetch')
        assert done.returncode == 75 and str(closed.port).encode() in done.stderr, done
        assert len(server.clients) == 2
        home.configure(proxy=f'http://127.0.0.1:{plain.port}')
        done = home.run('fetch')
        assert done.returncode == 78 and b'proxy is no socks5://' in done.stderr, done


def test_tls_through_a_proxy(office):
    office.deliver(b'Subject: far\r\n\r\nx\r\n', to=ANN)
    with Socks() as proxy, Home(office) as home:
        home.configure(proxy=f'socks5://127.0.0.1:{proxy.port}')
        assert home.fetch()['stored'] >= 1 and 'far' in home.subjects()


def test_with_a_certificate(office):
    cert, key, _ = make(office, 'ann')
    configure(office)
    office.must('account', 'cert', 'add', ANN, cert)
    office.deliver(b'Subject: shown\r\n\r\nx\r\n', to=ANN)
    with Home(office) as home:
        del home.base['password_file']
        home.configure(client_certificate=cert, client_key=key)
        assert 'shown' in (home.fetch(), home.subjects())[1]
        assert office.json('account', 'show', ANN)[0]['login_mechanism'] == 'EXTERNAL'
        both = os.path.join(home.dir.name, 'both.pem')
        with open(both, 'w', encoding='ascii') as f, open(cert, encoding='ascii') as a, open(key, encoding='ascii') as b:
            f.write(a.read() + b.read())
        os.chmod(both, 0o600)
        home.configure(client_certificate=both)
        assert home.fetch()['stored'] == 0
        os.chmod(both, 0o644)
        done = home.run('fetch')
        assert done.returncode == 78 and b'chmod 600' in done.stderr, done
        other, other_key, _ = make(office, 'other')
        home.configure(client_certificate=other, client_key=other_key)
        done = home.run('fetch')
        assert done.returncode == 77, done
        home.configure(client_certificate=cert, client_key=other_key)
        assert home.run('fetch').returncode == 78
        home.configure(client_key=key)
        done = home.run('fetch')
        assert done.returncode == 78 and b'client_key goes with' in done.stderr, done


def test_for_many(office):
    """The mail of a domain in one mailbox: to whom the provider's own field says, and to nobody else's domain."""
    fields = ['Delivered-To: bob@home.test\r\nDelivered-To: eve@home.test',  # the provider's own is the first
              'delivered-to: <cat@HOME.test>, "Dan (x" <dan@other.test>',
              'Delivered-To: victim@elsewhere.test\r\nTo: bob@home.test',
              'X-To: bob@home.test',
              'Delivered-To: nobody@home.test',
              'Delivered-To: bob@home.test, nobody@home.test']
    replies = {'RCPT': lambda _, line: '550 5.1.1 who' if 'nobody' in line else '250 2.1.5 yes'}
    for kind in ('smtp', 'lmtp'):
        with Peer(replies, lmtp=kind == 'lmtp') as peer, ScriptedPop(mails(len(fields))) as server, \
                home_of(server, pipelining='off') as home:
            for m, field in zip(server.mails, fields):
                m.octets = field.encode() + b'\r\n' + m.octets
            home.configure(keep='delete', delivery=f'{kind}://127.0.0.1:{peer.port}/owner@home.test',
                           envelope_field='Delivered-To', envelope_domains='home.test other.test')
            done = home.run('fetch', '--json')
            assert done.returncode == 0 and b'not to all' in done.stderr and not server.mails, done
            assert [m.recipients for m in peer.messages] == [
                ['bob@home.test'], ['cat@HOME.test', 'dan@other.test'], ['owner@home.test'], ['owner@home.test'],
                ['owner@home.test'], ['bob@home.test']], [m.recipients for m in peer.messages]
    for bad, words in (({'envelope_field': 'X'}, b'go together'), ({'envelope_domains': 'x'}, b'go together'),
                       ({'envelope_field': 'X', 'envelope_domains': 'y', 'delivery': 'store'}, b'goes with delivery')):
        with ScriptedPop() as server, home_of(server, **bad) as home:
            done = home.run('fetch')
            assert done.returncode == 78 and words in done.stderr, done


def test_each_in_its_own_time(office):
    """One often, one seldom, one that fails ever more seldom."""
    with ScriptedPop(mails(1)) as often, ScriptedPop(mails(1)) as seldom, home_of(often, interval='1s') as home:
        with open(os.path.join(home.state, 'restante.conf'), 'a', encoding='ascii') as f:
            for name, port in (('seldom', seldom.server_address[1]), ('dead', free_port())):
                f.write(f'remote {name} {{\n\taddress = "{name}@x.test"\n\tpop3_host = "127.0.0.1"\n\tpop3_port = {port}\n'
                        '\tpop3_tls = none\n\tallow_cleartext = yes\n\tpassword_file = secret\n\ttimeout = 3s\n}\n')
        child = subprocess.Popen([BIN, 'fetch', '--daemon', '--interval', '3s', '--state', home.state],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment())
        try:
            begun = time.monotonic()
            wait_until(lambda: len(often.clients) >= 8, 60, 'eight rounds')
            rounds, took = len(seldom.clients), time.monotonic() - begun
            assert 1 <= rounds <= took / 3 + 1.5, (rounds, took)
        finally:
            child.send_signal(signal.SIGTERM)
            told = child.communicate(timeout=20)[1]
        # At once, after 6 s, after 12 s more.
        assert 1 <= told.count(b'dead: ') <= 1 + took / 6 and child.returncode == 0, told
