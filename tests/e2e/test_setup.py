"""setup: from an address to servers, to a login, to a remote.  A world with DNS, a web server and a provider."""

import concurrent.futures
import contextlib
import http.server
import json
import os
import shutil
import ssl
import stat
import subprocess
import tempfile
import threading

from office import BIN, PASSWORD, environment, wait_until
from peer import certificate
from terminal import Terminal
from world import World

OFFICE = {'accounts': ()}
ANN = 'ann@prov.test'
SERVER = '''<{0}Server type="{1}"><hostname>{2}</hostname><port>{3}</port><socketType>SSL</socketType>
<username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication></{0}Server>'''
XML = ('<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="x"><domain>{0}</domain>' +
       SERVER.format('incoming', 'pop3', '{1}', 995) + SERVER.format('outgoing', 'smtp', '{1}', 465) +
       '</emailProvider></clientConfig>')
LAUGHS = ('<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a0 "ha">' +
          ''.join(f'<!ENTITY a{n} "{("&a%d;" % (n - 1)) * 10}">' for n in range(1, 10)) +
          ']><clientConfig>&a9;</clientConfig>')


class Web:
    """An HTTPS server: {host: XML}; 404 for others."""

    def __init__(self, texts, tls, address):
        self.asked = asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host = self.headers['Host'].split(':')[0]
                asked.append((host, self.path))
                body = texts.get(host)
                if callable(body):
                    body(self)
                    return
                self.send_response(200 if body else 404)
                self.send_header('Content-Type', 'text/xml')
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write((body or '').encode())

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        self.server = http.server.ThreadingHTTPServer((address, 443), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def elsewhere(request):
    request.send_response(302)
    request.send_header('Location', 'https://autoconfig.auto.test/mail/config-v1.1.xml')
    request.end_headers()


class Town:
    def __init__(self, world):
        self.world = world
        self.ca = certificate(world.dir, 'ca', hosts=('authority.test',))
        self.provider = world.office('provider', 2, 'prov.test', 'listen https { }\n', ('ann',))
        web, self.home = world.host('web', 3), world.host('home', 4)
        here, there = self.provider.host.address, web.address
        autos = ('auto', 'laugh', 'big', 'wrong', 'moved', 'cut')
        world.zone('prov.test', [f'mail IN A {here}', '_pop3s._tcp IN SRV 0 0 995 mail',
                                 '_pop3._tcp IN SRV 0 0 110 mail', '_submissions._tcp IN SRV 5 0 1 mail',
                                 '_submissions._tcp IN SRV 0 0 465 mail'], signed=False)
        world.zone('guess.test', [f'pop IN A {here}', f'smtp IN A {here}', '@ IN MX 1 other.test.'], signed=False)
        world.zone('unnamed.test', [f'mail IN A {here}'], signed=False)
        world.zone('none.test', ['_pop3s._tcp IN SRV 0 0 0 .', '_pop3._tcp IN SRV 0 0 0 .', f'pop IN A {here}'],
                   signed=False)
        world.zone('own.test', [f'autoconfig IN A {here}'], signed=False)  # asks the provider's own office
        world.zone('other.test', ['_pop3s._tcp IN SRV 0 0 995 mail.prov.test.'], signed=False)
        world.zone('root-servers.net', ['a IN A 192.0.2.1'], signed=False)
        world.zone('mx.test', ['@ IN MX 10 mta5.am0.yahoodns.net.'], signed=False)
        for name in autos:
            world.zone(f'{name}.test', [f'autoconfig IN A {there}'], signed=False)
        world.start_dns()
        self.provider.open()
        tls = certificate(world.dir, 'office', hosts=('mail.prov.test', 'pop.guess.test', 'smtp.guess.test',
                                                               'autoconfig.own.test'), ca=self.ca)
        for made, name in zip(tls, ('cert.pem', 'key.pem')):
            owner = os.stat(self.provider.path('tls', name))
            shutil.copy(made, self.provider.path('tls', name))
            os.chown(self.provider.path('tls', name), owner.st_uid, owner.st_gid)
        self.provider.stop()
        self.provider.start()
        with web.inside():
            self.web = Web({
                'autoconfig.auto.test': XML.format('auto.test', 'mail.prov.test'),
                'autoconfig.laugh.test': LAUGHS,
                'autoconfig.big.test': '<clientConfig>' + ' ' * (10 << 20) + '</clientConfig>',
                'autoconfig.wrong.test': XML.format('auto.test', 'mail.prov.test'),
                'autoconfig.moved.test': elsewhere,
                'autoconfig.cut.test': XML.format('cut.test', 'mail.prov.test')[:300],
            }, certificate(world.dir, 'web', hosts=[f'autoconfig.{a}.test' for a in autos], ca=self.ca), there)

    def run(self, *words, state=None, resolver=True):
        return subprocess.run([*self.home.exec(), BIN, *words, '--state', state or f'{self.home.dir}/nothing',
                               *(['--resolver', self.world.dns.address] if resolver else [])],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=100, check=False,
                              env={**environment(), 'HOME': self.home.dir})

    def find(self, address, code=0, *words):
        done = self.run('setup', address, '--json', '--no-login', '--ca-file', self.ca[0], *words)
        assert done.returncode == code and done.stderr.count(b'\n') <= 2, done
        return json.loads(done.stdout)


@contextlib.contextmanager
def town():
    world = World()
    try:
        yield Town(world)
    finally:
        world.close()


def places(found):
    return [None if found[k] is None else (found[k]['host'], found[k]['port'], found[k]['tls'], found[k]['source'])
            for k in ('pop3', 'smtp')]


def said(found, source):
    return ' | '.join(t['result'] for t in found['tried'] if t['source'] == source)


def test_finds_the_servers(_):
    with town() as t:
        found = t.find(ANN)
        assert places(found) == [('mail.prov.test', 995, 'implicit', 'SRV'),
                                 ('mail.prov.test', 465, 'implicit', 'SRV')], found
        assert found['checked'] and found['pop3']['error'] == found['smtp']['error'] == '', found
        assert found['user'] == ANN and not found['written'], found

        found = t.find('ann+x@auto.test', 0, '--yes')
        assert places(found) == [('mail.prov.test', 995, 'implicit', 'autoconfig'),
                                 ('mail.prov.test', 465, 'implicit', 'autoconfig')], found
        assert found['checked'] and found['pop3']['error'] == '', found
        assert t.web.asked == [('autoconfig.auto.test', '/mail/config-v1.1.xml?emailaddress=ann%2Bx%40auto.test')]
        found = t.find('ann@own.test', 0, '--yes')
        assert places(found) == [('mail.prov.test', 995, 'implicit', 'autoconfig'),
                                 ('mail.prov.test', 465, 'implicit', 'autoconfig')], found
        # Outside of the domain: nobody connects there before the user has said so (RFC 8314 5.1).
        assert t.find('ann@auto.test')['checked'] is False

        found = t.find('ann@guess.test')
        assert places(found) == [('pop.guess.test', 995, 'implicit', 'probe'),
                                 ('smtp.guess.test', 465, 'implicit', 'probe')], found
        assert 'nobody who is known' in said(found, 'MX'), found
        # A certificate that does not name the host is none.
        found = t.find('ann@unnamed.test', 69)
        assert 'certificate of mail.unnamed.test is not accepted' in said(found, 'probe'), found
        found = t.find('ann@none.test', 69)
        assert 'says that it has no POP3' in said(found, 'SRV') and found['pop3'] is None, found
        found = t.find('ann@mx.test')
        assert found['provider'] == 'yahoo' and places(found)[0] == (
            'pop.mail.yahoo.com', 995, 'implicit', 'MX'), found
        assert 'app-password' in found['login'] and found['pop3']['error'] != '', found
        assert not os.path.exists(f'{t.home.dir}/nothing')

        # The directory against the network.
        with open(f'{t.home.dir}/providers.tsv', 'w', encoding='ascii') as f:
            for name, host in (('right', 'mail.prov.test'), ('gone', 'gone.prov.test'), ('odd', 'mail.unnamed.test')):
                f.write(f'{name}\t{name}.test\t\t{host}:995/implicit\t{host}:587/starttls\taddress\tpassword\tlive\t\t\n')
        for name, code, told in (('right', 0, 'it answers'), ('gone', 69, 'there is no such host'),
                                 ('odd', 69, 'certificate')):
            done = t.run('provider', 'test', f'x@{name}.test', '--json', '--ca-file', t.ca[0], state=t.home.dir)
            rows = json.loads(done.stdout)
            assert done.returncode == code and [told in r['text'] for r in rows] == [True, True], (name, done)

        # What others may write into such a file.
        for name, why in (('laugh', 'document type'), ('big', 'over 262144 octets'), ('wrong', 'other domains'),
                          ('moved', 'HTTP status 302'), ('cut', 'unclosed token')):
            found = t.find(f'ann@{name}.test', 69)
            assert why in said(found, 'autoconfig') and found['pop3'] is None, (name, found)
        # Who does not know the authority does not believe the file.
        done = t.run('setup', 'ann@auto.test', '--json', '--no-login')
        assert done.returncode == 69 and 'certificate' in said(json.loads(done.stdout), 'autoconfig'), done
        done = t.run('setup', 'ann@other.prov.test', '--no-login')
        assert done.returncode == 69 and b'there is no domain' in done.stderr, done
        # No DNS: something may be there another time.
        t.world.processes[0].terminate()
        t.world.processes[0].wait(10)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            both = [pool.submit(t.run, *words) for words in (('setup', 'ann@auto.test', '--no-login'),
                                                             ('provider', 'test'))]
        for done, told in ((b.result(), w) for b, w in zip(both, (b'DNS does not answer', b'without a network'))):
            assert done.returncode == 75 and told in done.stderr and done.stderr.count(b'\n') == 1, done


def test_what_is_known_without_a_network(_):
    def run(*words):
        with tempfile.TemporaryDirectory() as folder:
            return subprocess.run([BIN, 'setup', *words, '--state', os.path.join(folder, 'x')], capture_output=True,
                                  timeout=60, check=False, stdin=subprocess.DEVNULL, env=environment())
    for address, code, told in (('someone@yahoo.com.cn', 69, b'2013-08-19'), ('someone@x263.net', 69, b'(2015)'),
                                ('no address', 64, b'no mail address'), ('a@[127.0.0.1]', 64, b'no mail address')):
        done = run(address)
        assert done.returncode == code and told in done.stderr and done.stderr.count(b'\n') == 1, done
    done = run('a@gmail.com', '--no-login', '--password-file', 'x')
    assert done.returncode == 64 and b'only one of' in done.stderr, done
    done = run('a@gmail.com', '--ca-file', '/nonexistent')
    assert done.returncode == 78 and done.stderr.count(b'\n') == 1, done


def secret_file(folder, text=PASSWORD):
    path = os.path.join(folder, 'password')
    with open(path, 'w', encoding='ascii') as f:
        os.fchmod(f.fileno(), 0o600)
        f.write(text + '\n')
    return path


def test_logs_in_and_writes(_):
    with town() as t:
        state = os.path.join(t.home.dir, 'deep', 'state')
        good = secret_file(t.home.dir)
        base = ('setup', ANN, '--ca-file', t.ca[0], '--password-file')
        bad = tempfile.mkdtemp(dir=t.home.dir)
        done = t.run(*base, secret_file(bad, 'wrong'), '--yes', state=state)
        assert done.returncode == 77 and b'refuses' in done.stderr, done
        # Without --yes and without a terminal it shows what it would write.
        done = t.run(*base, good, state=state)
        assert done.returncode == 0 and b'nothing is written' in done.stdout and b'remote "prov" {' in done.stdout, done
        done = t.run(*base, good, '--yes', '--json', state=state)
        result = json.loads(done.stdout)
        assert done.returncode == 0 and result['written'] and result['logged_in'] and result['remote'] == 'prov', done
        again = t.run(*base, good, '--yes', state=state)
        assert again.returncode == 78 and b'restante fetch prov' in again.stderr, again
        conf = os.path.join(state, 'restante.conf')
        assert stat.S_IMODE(os.stat(conf).st_mode) == 0o600
        with open(conf, 'a', encoding='ascii') as f:
            f.write(f'dns_resolver = "{t.world.dns.address}"\n')
        with t.provider.host.inside():
            t.provider.deliver(b'Subject: first\r\n\r\nx\r\n', to=ANN)
        done = t.run('fetch', 'prov', '--json', state=state, resolver=False)
        assert done.returncode == 0 and json.loads(done.stdout)[0]['stored'] == 1, done
        # The whole address is refused, what stands before its @ is not (RFC 6186 4).
        done = t.run('setup', 'ann@other.test', *base[2:], good, '--yes', '--name', 'second', state=state)
        assert done.returncode == 0 and b'once more as ann' in done.stdout and b'user = "ann"' in done.stdout, done
        # A second address of the same provider gets a name of its own.
        done = t.run('setup', 'bob@prov.test', '--no-login', '--json', state=state)
        assert done.returncode == 0, done


def test_asks_on_a_terminal(_):
    with town() as t, Terminal(columns=140, rows=40) as screen:
        state = os.path.join(t.home.dir, 'state')
        screen.start(*t.home.exec(), BIN, 'setup', ANN, '--ca-file', t.ca[0], '--state', state, '--resolver',
                     t.world.dns.address)
        screen.wait('Password of ann@prov.test', 40)
        screen.type('wrong')
        screen.keys('Enter')
        wait_until(lambda: sum('Password of ann@' in line for line in screen.screen()) == 2, 40, 'asked once more')
        screen.type(PASSWORD)
        screen.keys('Enter')
        shown = screen.wait('Write this into restante.conf?', 60)
        assert not any(PASSWORD in line for line in shown), shown
        screen.type('y')
        screen.keys('Enter')
        screen.wait('next: restante fetch prov', 20)
        assert screen.ended() == 0
        secret = os.path.join(state, 'secrets', 'prov')
        assert stat.S_IMODE(os.stat(secret).st_mode) == 0o600
        with open(secret, encoding='ascii') as f:
            assert f.read() == PASSWORD + '\n'
        with open(os.path.join(state, 'restante.conf'), encoding='utf-8') as f:
            text = f.read()
        assert 'password_file = "secrets/prov"' in text and PASSWORD not in text, text
