"""What mail carries to be believed: keys of domains, signatures, records."""

import glob
import json
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile

from office import BIN, Skip, environment, wait_until

DOMAIN = 'rotating.test'


def states(office, domain='example.test'):
    return {row['selector']: row['state'] for row in office.json('dkim', 'list', domain)}


def test_dkim_keys(office):
    def listed():
        return {r['domain']: r['dkim'] for r in office.json('domain', 'list')}['example.test']
    assert listed() == 'none'
    records = office.must('dkim', 'new', 'example.test', '--selector', 'a').decode().splitlines()
    assert len(records) == 2, records
    for record in records:
        name, text = record.split(' IN TXT ')
        strings = re.findall(r'"([^"]*)"', text)
        assert all(len(s) <= 255 for s in strings), record
        kind = re.fullmatch(r'a-(rsa|ed25519)\._domainkey\.example\.test\.', name).group(1)
        assert re.fullmatch(r'v=DKIM1; k=%s; p=[A-Za-z0-9+/]+=*' % kind, ''.join(strings)), record
    assert office.must('dkim', 'dns', 'example.test').decode().splitlines() == records
    assert listed() == 'signing'
    assert states(office) == {'a-rsa': 'signing', 'a-ed25519': 'signing'}
    assert b'dns DOMAIN --check' in office.run('dkim', 'list').stderr

    done = office.run('dkim', 'new', 'example.test')
    assert done.returncode == 73 and b'rotate' in done.stderr, done
    done = office.run('dkim', 'new', 'nowhere.test')
    assert done.returncode == 67 and b'domain list' in done.stderr, done
    done = office.run('dkim', 'rotate', 'example.test', '--selector', 'no_good')
    assert done.returncode == 64 and b'selector' in done.stderr, done
    done = office.run('dkim', 'rotate', 'example.test', '--after', 'soon')
    assert done.returncode == 64 and b'--after' in done.stderr, done


def test_dkim_rotation(office):
    office.must('domain', 'add', DOMAIN)
    office.must('dkim', 'new', DOMAIN, '--selector', 'a')
    office.must('dkim', 'rotate', DOMAIN, '--selector', 'b')
    assert states(office, DOMAIN) == {'a-rsa': 'signing', 'a-ed25519': 'signing',
                              'b-rsa': 'prepared', 'b-ed25519': 'prepared'}
    ends = {row['signs_until'] for row in office.json('dkim', 'list', DOMAIN) if row['selector'][0] == 'a'}
    begins = {row['signs_from'] for row in office.json('dkim', 'list', DOMAIN) if row['selector'][0] == 'b'}
    assert ends == begins and len(ends) == 1
    done = office.run('dkim', 'rotate', DOMAIN, '--selector', 'c')
    assert done.returncode == 73 and b'--activate' in done.stderr, done
    office.must('dkim', 'rotate', DOMAIN, '--activate')
    assert states(office, DOMAIN) == {'a-rsa': 'retired', 'a-ed25519': 'retired',
                              'b-rsa': 'signing', 'b-ed25519': 'signing'}
    done = office.run('dkim', 'rotate', DOMAIN, '--activate')
    assert done.returncode == 67, done
    # Without any command: when their time has come.
    office.must('dkim', 'rotate', DOMAIN, '--selector', 'c', '--after', '0s')
    assert states(office, DOMAIN)['c-rsa'] == 'signing' and states(office, DOMAIN)['b-rsa'] == 'retired'
    office.must('dkim', 'del', DOMAIN, '--selector', 'a-rsa')
    assert 'a-rsa' not in states(office, DOMAIN) and 'a-ed25519' in states(office, DOMAIN)
    assert office.run('dkim', 'del', DOMAIN, '--selector', 'a-rsa').returncode == 67
    office.must('dkim', 'del', DOMAIN)
    assert states(office, DOMAIN) == {}
    done = office.run('dkim', 'dns', DOMAIN)
    assert done.returncode == 67 and b'dkim new' in done.stderr, done


def test_dkim_names_of_one_moment(office):
    """Keys that are made in the same second have different names."""
    office.must('domain', 'add', 'quick.test')
    office.must('dkim', 'new', 'quick.test')
    office.must('dkim', 'rotate', 'quick.test', '--after', '0s')
    office.must('dkim', 'rotate', 'quick.test')
    assert sorted(states(office, 'quick.test').values()) == ['prepared'] * 2 + ['retired'] * 2 + ['signing'] * 2
    office.must('dkim', 'del', 'quick.test')


def test_dkim_keys_stay_secret(office):
    """No command, and no answer to one, has the private half."""
    office.must('domain', 'add', 'secret.test')
    office.must('dkim', 'new', 'secret.test')
    said = office.must('dkim', 'list', '--json') + office.must('dkim', 'dns', 'secret.test')
    with tempfile.TemporaryDirectory() as copy:
        for path in glob.glob(office.state + '/store/accounts.db*'):
            shutil.copy(path, copy)
        db = sqlite3.connect(copy + '/accounts.db')
        keys = [key for key, in db.execute('SELECT private FROM dkim_key')]
        db.close()
    assert len(keys) >= 2
    for key in keys:
        assert len(key) > 40
        assert key[-32:].hex().encode() not in said
    assert all(set(row) == {'domain', 'selector', 'algorithm', 'state', 'created', 'signs_from',
                            'signs_until', 'record'} for row in json.loads(
                                office.must('dkim', 'list', '--json')))
    # With the domain its keys go.
    office.must('domain', 'add', 'second.test')
    office.must('dkim', 'new', 'second.test')
    office.must('domain', 'del', 'second.test')
    assert 'second.test' not in {row['domain'] for row in office.json('dkim', 'list')}


def break_key(office, selector):
    db = sqlite3.connect(office.state + '/store/accounts.db')
    db.execute('UPDATE dkim_key SET private = substr(private, 1, 40) WHERE selector = ?', [selector])
    db.commit()
    db.close()


def dkim_of(office, domain):
    return next(row['dkim'] for row in office.json('domain', 'list') if row['domain'] == domain)


def test_dkim_key_that_cannot_be_read(office):
    """It signs nothing, and is told from those that do; the other one still signs."""
    office.must('domain', 'add', 'rotten.test')
    office.must('dkim', 'new', 'rotten.test', '--selector', 'a')
    office.stop()
    break_key(office, 'a-rsa')
    told = {'a-rsa': 'broken', 'a-ed25519': 'signing'}
    assert states(office, 'rotten.test') == told
    office.start()
    assert states(office, 'rotten.test') == told
    assert dkim_of(office, 'rotten.test') == 'signing'  # by the other one
    assert 'key that cannot be read' in str(office.json('dns', 'rotten.test'))
    office.must('dkim', 'del', 'rotten.test', '--selector', 'a-rsa')
    assert states(office, 'rotten.test') == {'a-ed25519': 'signing'}
    office.stop()
    break_key(office, 'a-ed25519')
    office.start()
    assert states(office, 'rotten.test') == {'a-ed25519': 'broken'} and dkim_of(office, 'rotten.test') == 'broken'


# of the address that the zone gives to mx.published.test
NAME = '1.' + '0.' * 23 + '0.7.4.0.1.0.0.2.ip6.arpa. IN PTR mx.published.test.\n'


class Zone:
    """A domain of an office that does not run, and a DNS server that has its zone."""

    def __init__(self, folder):
        self.folder, self.state = folder, folder + '/state'
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]
        self.run('init', '--domain', 'published.test', '--hostname', 'mx.published.test', '--port-offset', '20000')
        # Nothing here is below this anchor: nothing is validated.
        with open(self.state + '/anchors', 'w', encoding='ascii') as f:
            f.write('unrelated.test. IN DS 12345 13 2 ' + '00' * 32 + '\n')
        with open(self.state + '/restante.conf', 'a', encoding='ascii') as f:
            f.write('dnssec_trust_anchor = anchors\n')
        self.server = None

    def run(self, *words):
        return subprocess.run([BIN, *words, '--state', self.state], capture_output=True, text=True, check=False,
                              timeout=60, env=environment())

    def serve(self, lines, names=NAME):
        with open(self.folder + '/zone', 'w', encoding='ascii') as f:
            f.write('published.test. IN SOA ns.published.test. h.published.test. 1 60 60 60 60\n'
                    'published.test. IN NS ns.published.test.\nmx.published.test. IN AAAA 2001:470::1\n' + lines)
        with open(self.folder + '/reverse', 'w', encoding='ascii') as f:
            f.write('arpa. IN SOA ns.published.test. h.published.test. 1 60 60 60 60\narpa. IN NS ns.published.test.\n' + names)
        with open(self.folder + '/nsd.conf', 'w', encoding='ascii') as f:
            f.write(f'server:\n ip-address: 127.0.0.1@{self.port}\n server-count: 1\n username: ""\n chroot: ""\n'
                    f' zonesdir: "{self.folder}"\n database: ""\n pidfile: "{self.folder}/pid"\n'
                    f' xfrdfile: "{self.folder}/xfrd"\n zonelistfile: "{self.folder}/list"\n'
                    f' xfrdir: "{self.folder}"\n logfile: "{self.folder}/log"\n'
                    'remote-control:\n control-enable: no\n'
                    'zone:\n name: published.test\n zonefile: zone\nzone:\n name: arpa\n zonefile: reverse\n')
        self.stop()
        self.server = subprocess.Popen(['/usr/sbin/nsd', '-d', '-c', self.folder + '/nsd.conf'])
        wait_until(self.answers, 20, 'nsd')

    def vouch(self):
        """The server's certificate is an authority's from here on."""
        tls = self.state + '/tls/'
        for words in (['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-subj', '/CN=authority',
                       '-keyout', tls + 'authority.key', '-out', tls + 'authority.pem'],
                      ['req', '-new', '-key', tls + 'key.pem', '-subj', '/CN=mx.published.test', '-out', tls + 'request'],
                      ['x509', '-req', '-in', tls + 'request', '-CA', tls + 'authority.pem', '-CAkey', tls + 'authority.key',
                       '-set_serial', '7', '-days', '2', '-out', tls + 'cert.pem']):
            subprocess.run(['openssl', *words], check=True, capture_output=True)

    def answers(self):
        query = bytes.fromhex('123400000001000000000000') + b'\x09published\x04test\0' + bytes.fromhex('00060001')
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            try:
                s.connect(('127.0.0.1', self.port))
                s.send(query)
                return s.recv(512)[7] > 0
            except OSError:
                return False

    def stop(self):
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(20)
        self.server = None

    def check(self):
        done = self.run('dns', 'published.test', '--check', '--json', '--resolver', f'127.0.0.1@{self.port}')
        assert 'Sanitizer' not in done.stderr, done.stderr
        rows = json.loads(done.stdout)
        return done.returncode, {(row['type'], row['name'].split('.')[0]): (row['result'], row['found']) for row in rows}


def test_dns(_office):
    if not shutil.which('nsd', path='/usr/sbin'):
        raise Skip('nsd is not installed')
    if shutil.which('openssl') is None:
        raise Skip('openssl is not installed')
    with tempfile.TemporaryDirectory() as folder:
        zone = Zone(folder)
        try:
            check_dns(zone)
        finally:
            zone.stop()


def check_names(zone, records):
    """The name of the address that mail leaves from is what EHLO says."""
    zone.serve(records, NAME.replace('mx.', 'other.'))
    code, found = zone.check()
    assert code == 0 and found[('PTR', 'mx')] == ('WARN', 'EHLO says another name than the address has: other.published.test'), found
    zone.serve(records, '')
    code, found = zone.check()
    assert code == 0 and found[('PTR', 'mx')] == (
        'WARN', 'many servers take no mail from an address without a name: 2001:470::1'), found
    with open(zone.state + '/restante.conf', 'a', encoding='ascii') as f:
        f.write('source published.test { ipv4 = 192.0.4.7 helo = out.published.test }\n')
    more = zone.run('dns', 'published.test').stdout
    assert '\nout.published.test. IN A 192.0.4.7\n' in more and '; 7.4.0.192.in-addr.arpa. IN PTR out.published.test. ;' in more, more
    zone.serve(more, '7.4.0.192.in-addr.arpa. IN PTR out.published.test.\n')
    code, found = zone.check()
    assert code == 0 and found[('PTR', '7')] == found[('A', 'out')] == ('OK', ''), found
    zone.serve(more.replace('192.0.4.7', '192.0.4.8'))
    code, found = zone.check()
    assert code == 0 and found[('A', 'out')][0] == 'WARN' and found[('PTR', '7')][0] == 'WARN', found


def check_self_signed(zone):
    """RFC 8461 4.2: with _mta-sts others would send nothing to a server with such a certificate."""
    said = zone.run('dns', 'published.test').stdout
    record = next(line for line in said.split('\n') if ' _mta-sts.published.test. IN TXT' in line)
    assert record.startswith('; not yet, as the certificate is self-signed: '), said
    assert '; TXT    _mta-sts' not in said and '\n_25._tcp' in said, said
    zone.serve(said)
    assert zone.check()[1][('TXT', '_mta-sts')] == ('WARN', 'not yet: the certificate is self-signed: others would send nothing')
    zone.serve(said + record[record.index('_mta-sts'):] + '\n')
    code, found = zone.check()
    assert code == 1 and found[('TXT', '_mta-sts')] == (
        'FAIL', 'published too early: the certificate is self-signed: others would send nothing'), found


def check_dns(zone):
    assert 'dkim new' in zone.run('dns', 'published.test').stderr
    check_self_signed(zone)
    zone.vouch()
    zone.run('dkim', 'new', 'published.test', '--selector', 'k')
    records = zone.run('dns', 'published.test').stdout
    rows = json.loads(zone.run('dns', 'published.test', '--json').stdout)
    assert len(rows) == 17 and {'MX', 'A', 'TXT', 'TLSA', 'SRV', 'CNAME'} == {row['type'] for row in rows}
    policy = next(row['policy'] for row in rows if row['name'] == '_mta-sts.published.test')
    assert policy == 'version: STSv1\r\nmode: enforce\r\nmx: mx.published.test\r\nmax_age: 604800\r\n'
    for row in rows:
        assert row['name'] in records and row['value'] in records, row

    # What it prints is a zone, and the zone is what it wants.
    zone.serve(records)
    code, found = zone.check()
    assert code == 0, found
    assert found.pop(('TLSA', '_25')) == ('WARN', 'the zone is not signed: nobody looks at it')
    assert {result for result, _ in found.values()} == {'OK'}, found

    # Nothing but the zone itself.
    zone.serve('')
    code, found = zone.check()
    assert code == 1
    assert {name: result for (kind, name), (result, _) in found.items() if kind not in ('SRV', 'PTR')} == {
        'published': 'FAIL', 'mx': 'WARN', 'k-rsa': 'FAIL', 'k-ed25519': 'FAIL', '_dmarc': 'FAIL',
        '_mta-sts': 'WARN', '_smtp': 'WARN', '_25': 'WARN'} | {'mx': found[('TXT', 'mx')][0]}
    assert found[('A', 'mx')][0] == 'OK' and found[('TXT', 'mx')][0] == 'WARN'
    assert found[('SRV', '_pop3s')] == ('WARN', 'not published')

    # Each of these alone is the one thing wrong.
    for old, new, name, result in (
            ('10 mx.published.test', '10 other.published.test', ('MX', 'published'), 'FAIL'),
            ('v=spf1 mx -all', 'v=spf1 -all', ('TXT', 'published'), 'WARN'),
            ('p=quarantine', 'p=none', ('TXT', '_dmarc'), 'WARN'),
            ('k=ed25519; p=', 'k=ed25519; p=AAAA', ('TXT', 'k-ed25519'), 'FAIL'),
            ('TLSA 3 1 1 ', 'TLSA 3 1 2 00', ('TLSA', '_25'), 'FAIL'),
            ('0 1 995 mx', '0 1 995 other', ('SRV', '_pop3s'), 'WARN'),
            ('mx.published.test. IN TXT "v=spf1 a -all"', 'published.test. IN TXT "v=spf1 -all"',
             ('TXT', 'published'), 'FAIL')):
        assert old in records, old
        zone.serve(records.replace(old, new))
        code, found = zone.check()
        assert found[name][0] == result, (old, found)
        assert code == (1 if result == 'FAIL' else 0), (old, code)

    check_names(zone, records)

    # Nobody answers: that says nothing about the zone.
    zone.stop()
    code, found = zone.check()
    assert code == 75 and {result for result, _ in found.values()} == {'UNKNOWN'}, found
