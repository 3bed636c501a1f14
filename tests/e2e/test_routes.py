"""Ways that the configuration says: to a real Dovecot by LMTP, nowhere, with demands that the next hop cannot meet;
and what the queue's filters find then."""

import atexit
import email
import glob
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from datetime import datetime

import peer
from office import Skip, wait_until

ANN = 'ann@example.test'
HERE = tempfile.mkdtemp(prefix='restante-routes-')
atexit.register(shutil.rmtree, HERE, ignore_errors=True)
BUSY = peer.Peer(replies={'RCPT': '450 4.2.0 not yet'})
LARGE = peer.Peer()
PLAIN, GREY = peer.Peer(), peer.Peer(replies={'RCPT': '451 4.7.1 greylisted, come again'})
DOVECOT = '''
base_dir = {top}/run
state_dir = {top}/run
log_path = {top}/log
protocols = lmtp
listen = 127.0.0.1
ssl = no
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
first_valid_uid = 1
mail_location = maildir:{top}/md
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = passwd-file
  args = {top}/users
}}
service lmtp {{
  user = nobody
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
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


LMTP = free_port()
OFFICE = {'accounts': (ANN,), 'config': f'''queue_retry = "2s, 1h"
route "dovecot.test" {{
 lmtp = "127.0.0.1"
 port = {LMTP}
}}
route "plain.test" {{
 relay = "127.0.0.1"
 port = {PLAIN.port}
}}
route "grey.test" {{
 relay = "127.0.0.1"
 port = {GREY.port}
}}
route "patient.test" {{
 relay = "127.0.0.1"
 port = {BUSY.port}
 retry = "3h"
}}
route "keen.test" {{
 relay = "127.0.0.1"
 port = {BUSY.port}
 retry = "1s"
}}
route "short.test" {{
 relay = "127.0.0.1"
 port = {BUSY.port}
 retry = "1s"
 lifetime = 2s
}}
route "a.size.test" {{
 relay = "127.0.0.1"
 port = {PLAIN.port}
 max_size = 20K
}}
route ".size.test" {{ null = refuse min_size = 10K }}
route "two.test" {{
 relay = "127.0.0.1"
 port = {PLAIN.port}
}}
route "large to two" {{
 for = "two.test"
 min_size = 10K
 relay = "127.0.0.1"
 port = {LARGE.port}
}}
route "bulk.test" {{
 relay = "127.0.0.1"
 port = {PLAIN.port}
}}
route "*" {{
 null = refuse
 header = "X-Kind: *bulk*"
}}
route "hole.test" {{ null = discard }}
route "shut.test" {{ null = refuse }}
'''}


def send(office, to, subject, options=()):
    with office.submit(ANN) as s:
        s.sendmail(ANN, to, f'From: {ANN}\r\nSubject: {subject}\r\n\r\n.dot\r\nx\r\n', mail_options=options)


def notice(office):
    got = wait_until(lambda: office.fetch(ANN), 30, 'a notice')
    assert len(got) == 1, got
    return email.message_from_bytes(got[0])


def reported(office, message=None):
    """{recipient: status} of the next notice, or of this one."""
    blocks = (message or notice(office)).get_payload()[1].get_payload()[1:]
    return {b['Final-Recipient'].split(';')[1].strip(): b['Status'] for b in blocks}


def start_dovecot():
    binary = shutil.which('dovecot', path=os.environ.get('PATH', '') + ':/usr/sbin')
    if binary is None or not os.path.exists('/usr/lib/dovecot/lmtp'):
        raise Skip('no dovecot-lmtpd')
    if os.getuid() != 0:
        raise Skip('Dovecot drops rights, so it wants root')
    nobody = pwd.getpwnam('nobody')
    config = os.path.join(HERE, 'dovecot.conf')
    with open(config, 'w', encoding='ascii') as f:
        f.write(DOVECOT.format(top=HERE, port=LMTP))
    with open(f'{HERE}/users', 'w', encoding='ascii') as f:
        f.write(f'kim@dovecot.test::{nobody.pw_uid}:{nobody.pw_gid}::{HERE}\n')
    os.mkdir(f'{HERE}/md')
    os.chown(f'{HERE}/md', nobody.pw_uid, nobody.pw_gid)
    os.chmod(HERE, 0o755)
    return subprocess.Popen([binary, '-F', '-c', config], stderr=subprocess.DEVNULL)


def test_lmtp_to_dovecot(office):
    """One who is there, one who is not: each has an answer of his own (RFC 2033 4.2)."""
    dovecot = start_dovecot()
    try:
        time.sleep(1)
        send(office, ['kim@dovecot.test', 'nobody@dovecot.test'], 'by lmtp')
        assert reported(office) == {'nobody@dovecot.test': '5.1.1'}
        (path,) = wait_until(lambda: glob.glob(f'{HERE}/md/new/*'), 20, 'it is in the Maildir')
        with open(path, 'rb') as f:
            text = f.read()
        assert b'Subject: by lmtp\n' in text and text.endswith(b'\n.dot\nx\n'), text
        assert b'Delivered-To: kim@dovecot.test' in text, text
    except AssertionError as why:
        with open(f'{HERE}/log', encoding='utf-8', errors='replace') as f:
            raise AssertionError(f'{why}: {f.read()[:1200]}') from None
    finally:
        dovecot.terminate()
        dovecot.wait(20)


def test_null_routes(office):
    send(office, ['x@hole.test', 'y@shut.test'], 'nowhere')
    assert list(reported(office)) == ['y@shut.test']
    wait_until(lambda: not [r for r in office.json('queue', 'list') if r['recipient'] in ('x@hole.test', 'y@shut.test')], 20, 'nothing is left')


def test_requiretls_where_there_is_none(office):
    # RFC 8689 4.2.1: never without TLS, and the sender is told.
    send(office, ['x@plain.test'], 'secret', ['REQUIRETLS'])
    told = notice(office)
    assert reported(office, told) == {'x@plain.test': '5.7.10'}
    # RFC 8689 5: and not what he wrote, for the way back may be open
    assert told.get_payload()[2].get_content_type() == 'text/rfc822-headers', told
    assert 'Subject: secret' in told.as_string() and '.dot' not in told.as_string(), told
    assert not PLAIN.messages
    send(office, ['x@plain.test'], 'open')  # which says nothing of the destination
    wait_until(lambda: PLAIN.messages, 20, 'other mail goes on')


def test_by_size(office):
    """A section for small ones is none for a large one, which then goes as the next section has it."""
    way = {}
    for size in ('100', '15K', '21K'):
        rows = office.json('explain', 'rcpt', '--from', ANN, '--auth', ANN, '--to', 'x@a.size.test', '--ip', '127.0.0.1',
                           '--size', size)
        way[size] = [r['rule'] for r in rows if r['step'] == 'route']
    section = 'x@a.size.test: route "%s"'
    assert way == {'100': [section % 'a.size.test'], '15K': [section % 'a.size.test'], '21K': [section % '.size.test']}, way
    done = office.run('explain', 'rcpt', '--from', ANN, '--to', 'x@a.size.test', '--ip', '127.0.0.1', '--size', '0')
    assert done.returncode == 64 and b'--size needs octets' in done.stderr, done
    with office.submit(ANN) as s:
        for octets in (12000, 24000):
            text = '\r\n'.join(['x' * 78] * (octets // 80))
            s.sendmail(ANN, ['x@a.size.test'], f'From: {ANN}\r\nSubject: of {octets}\r\n\r\n{text}\r\n')
    assert reported(office) == {'x@a.size.test': '5.3.4'}
    wait_until(lambda: any(b'Subject: of 12000' in m.octets for m in PLAIN.messages), 30, 'the small one')
    assert not any(b'Subject: of 24000' in m.octets for m in PLAIN.messages)


def test_two_sections_for_one_domain(office):
    """Each under a name of its own, for some sizes: by which, explain says, and the mail shows."""
    def rule(octets):
        rows = office.json('explain', 'rcpt', '--from', ANN, '--auth', ANN, '--to', 'x@two.test', '--ip', '127.0.0.1',
                           '--size', str(octets))
        return [r['rule'] for r in rows if r['step'] == 'route']

    assert rule(9000) == ['x@two.test: route "two.test"'] and rule(12000) == ['x@two.test: route "large to two"']
    with office.submit(ANN) as s:
        for octets in (6000, 18000):
            text = '\r\n'.join(['x' * 78] * (octets // 80))
            s.sendmail(ANN, ['x@two.test'], f'From: {ANN}\r\nSubject: two of {octets}\r\n\r\n{text}\r\n')

    def came(peer, octets):
        return any(b'Subject: two of %d\r\n' % octets in m.octets for m in peer.messages)
    wait_until(lambda: came(PLAIN, 6000) and came(LARGE, 18000), 30, 'each at its relay')
    assert not came(PLAIN, 18000) and not came(LARGE, 6000)
    done = office.must('config', 'show', '--json')
    (section,) = [r for r in json.loads(done)['route'] if r['name'] == 'large to two']
    assert section['for'] == 'two.test', section


def test_by_header(office):
    """A section for mail with some field: in explain and at delivery."""
    def rule(*field):
        rows = office.json('explain', 'rcpt', '--from', ANN, '--auth', ANN, '--to', 'x@far.test', '--ip', '127.0.0.1', *field)
        return [r['rule'] for r in rows if r['step'] == 'route']

    assert rule() == ['x@far.test: MX of the domain'] == rule('--field', 'X-Kind: single')
    assert rule('--field', 'X-Kind: of bulk') == ['x@far.test: route "*"']
    with office.submit(ANN) as s:
        s.sendmail(ANN, ['x@far.test', 'x@bulk.test'], f'From: {ANN}\r\nSubject: many\r\nX-Kind:\r\n mostly-bulk\r\n\r\nX\r\n')
    told = notice(office)
    assert reported(office, told) == {'x@far.test': '5.7.1'}, told
    assert 'no mail of that kind' in ' '.join(told.as_string().split()), told
    wait_until(lambda: any(b'Subject: many' in m.octets for m in PLAIN.messages), 30, 'a more exact section takes the other')


def test_own_schedules(office):
    """The same server behind each: tried again, given up and reported as the route of the recipient says."""
    send(office, ['x@patient.test', 'x@keen.test', 'x@short.test'], 'again')
    assert list(reported(office)) == ['x@short.test']

    def waiting():
        rows = {r['recipient']: r for r in office.json('queue', 'list', '--error', 'not yet')}
        return rows if len(rows) == 2 and rows['x@keen.test']['attempts'] > 3 else None

    rows = wait_until(waiting, 60, 'it is tried again every second')
    assert sorted(rows) == ['x@keen.test', 'x@patient.test'], rows
    patient = rows['x@patient.test']
    hours = (datetime.fromisoformat(patient['next']) - datetime.fromisoformat(patient['last'])).total_seconds() / 3600
    assert patient['attempts'] == 1 and 2.6 < hours < 3.4, patient
    office.must('queue', 'drop', '--error', 'not yet')


def test_filters(office):
    send(office, ['x@grey.test'], 'grey')
    wait_until(lambda: office.json('queue', 'list', '--error', 'GREYlisted'), 20, 'it waits')
    time.sleep(1.1)
    for words, count in ((['--error', 'greylist'], 1), (['--error', 'no such'], 0), (['--older-than', '1s'], 1),
                         (['--older-than', '1h'], 0), (['--sender', ANN], 1), (['--domain', 'grey.test'], 1),
                         (['--domain', 'plain.test'], 0), (['--recipient', 'x@grey.test'], 1),
                         (['--error', 'greylist', '--older-than', '1h'], 0)):
        assert len(office.json('queue', 'list', *words)) == count, words
    (row,) = office.json('queue', 'list')
    assert row['attempts'] > 0 and '4.7.1' in row['reply'] and row['next'], row
    GREY.replies.pop('RCPT')
    office.must('queue', 'retry', '--error', 'greylist')
    wait_until(lambda: GREY.messages, 20, 'it goes at once, not in an hour')
    assert office.json('queue', 'list') == []
