"""What mail carries to be believed: keys of domains, signatures, records."""

import glob
import json
import re
import shutil
import sqlite3
import tempfile

DOMAIN = 'rotating.test'


def states(office, domain='example.test'):
    return {row['selector']: row['state'] for row in office.json('dkim', 'list', domain)}


def test_dkim_keys(office):
    records = office.must('dkim', 'new', 'example.test', '--selector', 'a').decode().splitlines()
    assert len(records) == 2, records
    for record in records:
        name, text = record.split(' IN TXT ')
        strings = re.findall(r'"([^"]*)"', text)
        assert all(len(s) <= 255 for s in strings), record
        kind = re.fullmatch(r'a-(rsa|ed25519)\._domainkey\.example\.test\.', name).group(1)
        assert re.fullmatch(r'v=DKIM1; k=%s; p=[A-Za-z0-9+/]+=*' % kind, ''.join(strings)), record
    assert office.must('dkim', 'dns', 'example.test').decode().splitlines() == records
    assert states(office) == {'a-rsa': 'signing', 'a-ed25519': 'signing'}

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
