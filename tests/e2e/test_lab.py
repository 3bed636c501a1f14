"""lab: what it shows of a session, and that the check finds each defect and nothing else."""

import json
import os
import subprocess
import tempfile
import time

from messages import plain
from office import BIN, PASSWORD, environment
from peer import Peer, certificate
from scripted_pop import Mail
from strict_pop import StrictPop

USER = 'ann@example.test'


def lab(*words, timeout=100):
    return subprocess.run([BIN, 'lab', *map(str, words)], capture_output=True, timeout=timeout, check=False,
                          env=environment())


class Secrets:
    """Files with the passwords."""

    def __enter__(self):
        self.dir = tempfile.TemporaryDirectory()
        for name, text in (('ann', 'secret'), ('office', PASSWORD)):
            with open(self.path(name), 'w', encoding='ascii') as f:
                os.fchmod(f.fileno(), 0o600)
                f.write(text + '\n')
        return self

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def __exit__(self, *_):
        self.dir.cleanup()


def check(server, *words, tls='none', user='ann', secret='ann'):
    with Secrets() as s:
        done = lab('check', 'pop3', 'localhost', '--port', server.port('pop3s' if tls == 'implicit' else 'pop3'),
                   '--tls', tls, '--user', user, '--password-file', s.path(secret), '--timeout', '3s', '--json', *words)
    assert not done.stderr or done.returncode, done
    rows = {r['check']: r for r in json.loads(done.stdout)}
    failed = any(r['result'] == 'FAIL' for r in rows.values())
    assert (done.returncode == 76) == failed, (done.returncode, rows)
    return rows


def bad(rows):
    return {name for name, r in rows.items() if r['result'] in ('WARN', 'FAIL')}


def seen(rows):
    return {name: rows[name]['seen'] for name in bad(rows)}


def test_nothing_is_found_where_nothing_is(office):
    with StrictPop() as server:
        rows = check(server, '--write')
        assert bad(rows) == {'cleartext'}, seen(rows)
        assert {n for n, r in rows.items() if r['result'] == 'SKIP'} <= {
            'tls', 'certificate', 'stls-injection', 'idle', 'login-delay'}, rows
        assert len(server.mails) == 3
        verbs = {line.split()[0] for line in server.log}
        assert 'DELE' in verbs
        server.log.clear()
        rows = check(server)
        assert bad(rows) == {'cleartext'} and rows['dele']['result'] == 'OK', seen(rows)
        assert rows['dele-drop']['result'] == 'SKIP' and len(server.mails) == 3, rows
        # All marks are taken back, and QUIT is not said in that session either.
        log = [line.split()[0] for line in server.log]
        last = len(log) - log[::-1].index('DELE')
        assert log[last:].index('RSET') < log[last:].index('LIST'), log[last:]
        assert 'QUIT' not in log[last:], log[last:]


# features.md 4.3, and what else has been seen: what is wrong, and the checks that must say so.
DEFECTS = [
    ('top-from-header', {'top-zero', 'top-lines'}),
    ('list-deleted', {'dele-list'}),
    ('uidl-deleted', {'dele-uidl'}),
    ('stat-deleted', {'dele-stat'}),
    ('retr-deleted', {'dele-one'}),
    ('list-one-deleted', {'dele-one'}),
    ('uidl-one-deleted', {'dele-one'}),
    ('dele-twice', {'dele'}),
    ('zero-is-one', {'number-zero'}),
    ('no-lock', {'lock'}),
    ('no-auth-code', {'auth-code', 'resp-codes'}),
    ('no-in-use', {'resp-codes'}),
    ('confirms', {'user-name'}),
    ('renumbers', {'dele-numbers'}),
    ('rset', {'rset'}),
    ('eats-pipelined', {'pipelining'}),
    ('bare-lf', {'lines'}),
    ('no-dots', {'lines'}),
    ('bye', {'answers'}),
]


def test_each_defect(office):
    for defect, expected in DEFECTS:
        with StrictPop(defects=[defect]) as server:
            rows = check(server)
            found = bad(rows) - {'cleartext'}
            assert expected <= found, (defect, found, [rows[e] for e in expected])
            # A server that eats commands has no end of other troubles.
            assert found == expected or defect == 'eats-pipelined', (defect, found, seen(rows))


def test_a_deletion_without_quit(office):
    with StrictPop(4, defects=['dele-at-once']) as server:
        assert 'dele-drop' in bad(check(server, '--write'))


def test_uidls(office):
    for uidls, expected in ((['1234567891', '1234567892', '12345678910'], {'uidl-two-numbers'}),
                            (['same', 'same', 'c'], {'uidl-unique'}), (['a', 'b', 'x' * 71], {'uidl-form'}),
                            (['a', 'b', 'c\x7f'], {'uidl-form'}), (['1', '2', '3'], set())):
        with StrictPop(mails=[Mail(f'm{i}', u, 300) for i, u in enumerate(uidls)]) as server:
            rows = check(server)
            assert bad(rows) - {'cleartext'} == expected, (uidls, seen(rows))


def test_250_of_many(office):
    with StrictPop(mails=[Mail(f'm{i}') for i in range(260)]) as server:
        assert 'all-shown' not in bad(check(server))
        server.visible = 250
        assert 'all-shown' in bad(check(server))


def test_announcements(office):
    for announced, hidden, answers, expected in (
            (['LOGIN-DELAY 10'], (), {}, {'login-delay'}),
            ((), ('RESP-CODES', 'AUTH-RESP-CODE'), {}, {'resp-codes', 'auth-code'}),
            ((), ('PIPELINING',), {}, {'pipelining'}), ((), ('UIDL',), {}, {'capa'}),
            ((), (), {'XYZZY': 'what?\r\n'}, {'answers', 'unknown'}),
            ((), (), {'STAT': '+OK 7 7\r\n'}, {'early', 'stat', 'uidl'}),
            (['X' * 600], (), {}, {'lengths'}), ((), (), {'NOOP': '-ERR\r\n'}, {'case'})):
        with StrictPop() as server:
            server.announced, server.hidden, server.answers = announced, hidden, answers
            rows = check(server)
            assert bad(rows) - {'cleartext'} == expected, (announced, hidden, answers, seen(rows))


def test_sizes(office):
    with StrictPop() as server:
        server.list_size = lambda m: len(m.octets) + 1
        assert {'size', 'stat'} <= bad(check(server))


def test_stls(office):
    with tempfile.TemporaryDirectory() as folder:
        tls = certificate(folder)
        for defect, expected in ((None, set()), ('injection', {'stls-injection'}),
                                 ('user-without-tls', {'cleartext'})):
            with StrictPop(defects=[defect], tls=tls) as server:
                rows = check(server, '--ca-file', tls[0], tls='starttls')
                assert bad(rows) == expected, (defect, seen(rows))
                assert rows['tls']['seen'].startswith('TLSv1.3') and rows['certificate']['result'] == 'OK'
                done = lab('check', 'pop3', 'localhost', '--port', server.port('pop3'), '--tls', 'starttls')
                assert done.returncode == 76 and b'certificate\tRFC 7817\tFAIL\tself-signed' in done.stdout, done


def test_idle(office):
    with StrictPop() as server:
        rows = check(server, '--idle', '1s')
        assert (rows['idle']['result'], rows['idle']['seen'][:10]) == ('OK', 'still open'), rows['idle']
    for defects, said in ((['impatient'], 'closed after'), (['impatient', 'bye'], '* BYE')):
        with StrictPop(defects=defects) as server:
            row = check(server, '--idle', '3s')['idle']
            assert row['result'] == 'FAIL' and said in row['seen'], row


def test_many(office):
    with StrictPop(mails=[Mail(f'm{i}') for i in range(30001)]) as server:
        started = time.monotonic()
        rows = check(server, '--timeout', '30s')
        assert bad(rows) == {'cleartext'}, seen(rows)
        assert time.monotonic() - started < 60


def test_nobody_there(office):
    with StrictPop() as server:
        port = server.port('pop3')
    done = lab('check', 'pop3', 'localhost', '--port', port, '--tls', 'none')
    assert done.returncode == 75 and b'refused' in done.stderr, done
    for words in (['pop3'], ['pop3', 'h', '--tls', 'perhaps'], ['pop3', 'h', '--port', '99999'],
                  ['pop3', 'h', '--stop-after', 'lunch'], ['pop3', 'h', '--user', 'x'], ['pop3', 'h', '--send', '\\q'],
                  ['check', 'pop3', 'h', '--idle', 'long'], ['smtp', 'h', '--timeout', '0s']):
        done = lab(*words)
        assert done.returncode == 64 and done.stderr.count(b'\n') == 1, (words, done)


def test_our_own_server(office):
    for i in range(3):
        office.deliver(plain(b'.dot\r\n' + b'line\r\n' * 5, f'm{i}'), to=USER)
    for tls in ('implicit', 'starttls'):
        rows = check(office, '--write', '--ca-file', office.path('tls', 'cert.pem'), tls=tls, user=USER, secret='office')
        assert not bad(rows), (tls, seen(rows))
    assert len(office.json('mailbox', 'list', USER)) == 3
    office.fetch(USER)


def test_a_pop3_session(office):
    office.deliver(plain(b'text\r\n', 'one'), to=USER)
    with Secrets() as s:
        where = ['pop3', 'localhost', '--port', office.port('pop3s'), '--ca-file', office.path('tls', 'cert.pem'),
                 '--user', USER, '--password-file', s.path('office')]
        done = lab(*where, '--auth', 'PLAIN', '--send', 'TOP 1 0\\nUIDL')
        text = done.stdout.decode()
        assert done.returncode == 0, done
        for part in ('<- +OK', '-> CAPA', '== version: TLSv1.3', '== verified: yes', '-> AUTH PLAIN ***', '-> STAT',
                     '<- Subject: one', '-> UIDL', '-> QUIT', '== fingerprint: ', '== auth: done', '== name: DNS:'):
            assert part in text, (part, text)
        assert PASSWORD not in text
        assert PASSWORD in lab(*where, '--auth', 'USER', '--show-secrets').stdout.decode()
        row = json.loads(lab(*where, '--stop-after', 'greeting', '--json').stdout)
        assert [p['name'] for p in row['phases']] == ['connect', 'tls', 'greeting', 'quit'], row
        assert row['tls']['verified'] and not row['capabilities'] and row['lines'][0]['way'] == '<-', row
        row = json.loads(lab(*where, '--json').stdout)
        assert 'UIDL' in row['capabilities'] and all(p['ok'] and p['ms'] >= 0 for p in row['phases']), row
        done = lab(*[w for w in where if w != '--ca-file' and not str(w).endswith('cert.pem')])
        assert done.returncode == 77 and b'PASS' not in done.stdout and b'not believed' in done.stderr, done
        pinned = row['tls']['fingerprint']
        assert len(pinned) == 64 and row['tls']['key_fingerprint'] != pinned
    office.fetch(USER)


def test_what_is_sent(office):
    with StrictPop() as server:
        where = ['pop3', '127.0.0.1', '--port', server.port('pop3'), '--tls', 'none', '--timeout', '3s']
        for words, log in ((['--stop-after', 'greeting', '--send', 'A\\nB'], ['A', 'B', 'QUIT']),
                           (['--stop-after', 'greeting', '--send', 'A\\nB', '--pipelining'], ['A', 'B', 'QUIT']),
                           (['--stop-after', 'greeting', '--raw', '--send', 'X\\x41Y\\r\\n'], ['XAY', 'QUIT']),
                           (['--stop-after', 'capa', '--bare-lf'], ['CAPA', 'QUIT']),
                           (['--stop-after', 'connect'], []), (['--stop-after', 'greeting', '--drop'], [])):
            server.log.clear()
            assert lab(*where, *words).returncode == 0, words
            assert server.log == log, (words, server.log)
        server.greeting = '-ERR \x1b[31m go away\r\n'
        done = lab(*where)
        assert done.returncode == 77 and b'\x1b' not in done.stdout and b'\\x1b[31m' in done.stdout, done
        server.greeting = 'HTTP/1.1 400\r\n'
        assert lab(*where).returncode == 76
        server.greeting = ''
        assert lab(*where, '--timeout', '1s').returncode == 75


def test_endless(office):
    """A line and a listing that are too long: what is kept and shown has an end, and so has the run."""
    with StrictPop() as server:
        where = ['pop3', '127.0.0.1', '--port', server.port('pop3'), '--tls', 'none', '--timeout', '1s', '--json']
        server.greeting = b'+OK ' + b'x' * 40000000 + b'\r\n'
        done = lab(*where)
        assert done.returncode in (75, 76) and len(done.stdout) < 20000000, (done.returncode, done.stderr)
        server.greeting = '+OK\r\n'
        server.answers['CAPA'] = b'+OK\r\n' + b'X-ROW\r\n' * 3000000
        done = lab(*where)
        # The rows themselves are 39 MB when all of them come in time; the transcript of them would be 200.
        assert done.returncode in (0, 75) and len(done.stdout) < 60000000, (done.returncode, done.stderr)
        done = lab('check', *where)
        assert done.returncode in (75, 76), (done.returncode, done.stderr)


def test_a_smtp_session(office):
    with Secrets() as s, tempfile.NamedTemporaryFile('wb', suffix='.eml') as f:
        f.write(b'Subject: from the lab\r\n\r\n.dot\r\n..\r\n')
        f.flush()
        where = ['smtp', 'localhost', '--port', office.port('submission'), '--ca-file', office.path('tls', 'cert.pem')]
        done = lab(*where, '--user', USER, '--password-file', s.path('office'), '--from', USER, '--to', USER,
                   '--data', f.name)
        assert done.returncode == 0 and b'-> ..dot' in done.stdout and b'-> STARTTLS' in done.stdout, done
        assert office.fetch_one(USER).endswith(b'\r\n.dot\r\n..\r\n')
        done = lab(*where, '--to', USER)
        assert done.returncode == 77 and b'== mail: failed' in done.stdout, done
        row = json.loads(lab(*where, '--stop-after', 'starttls', '--json').stdout)
        assert any(x.startswith('AUTH ') for x in row['capabilities']) and row['tls']['verified'], row


def test_smtp_as_it_should_not_be(office):
    with Peer() as peer:
        where = ['smtp', '127.0.0.1', '--port', peer.port, '--tls', 'none', '--timeout', '3s', '--hostname', 'me.test']
        assert lab(*where, '--from', 'a@x', '--to', 'b@y', '--pipelining').returncode == 0
        assert [(m.sender, m.recipients) for m in peer.messages] == [('a@x', ['b@y'])], peer.messages[0].__dict__
        assert b'Subject: test\r\n' in peer.messages[0].octets and peer.said('EHLO') == ['EHLO me.test']
        peer.replies['RCPT'] = '550 5.1.1 nobody\r\n'
        done = lab(*where, '--from', 'a@x', '--to', 'b@y')
        assert done.returncode == 77 and not done.stdout.count(b'-> DATA'), done
        peer.replies['RCPT'] = '450 later\r\n'
        assert lab(*where, '--from', 'a@x', '--to', 'b@y').returncode == 75


def test_nobody_there(office):
    """Who cannot be reached has shown nothing, good or bad."""
    done = lab('check', 'pop3', '127.0.0.1', '--port', 1, '--tls', 'none', '--json')
    assert done.returncode == 75 and {row['result'] for row in json.loads(done.stdout)} == {'SKIP'}, done
