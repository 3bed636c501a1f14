"""Each sender by a relay of its own: who logs in there as whom, and that nobody's mail goes by another's login."""

import atexit
import shutil
import tempfile

import peer
from office import Office, PASSWORD, wait_until

HERE = tempfile.mkdtemp(prefix='restante-sender-')
atexit.register(shutil.rmtree, HERE, ignore_errors=True)
CA = peer.certificate(HERE, 'ca', ('ca.test',))
GOOD = peer.certificate(HERE, 'good', ('good.test',), ca=CA, ip=('127.0.0.1',))
LOGINS = {'ann@provider.test': 'ann word', 'office@provider.test': 'office word'}
RELAY = peer.Peer(tls=GOOD, users=LOGINS)
DIRECT = peer.Peer()
ANN, BOB = 'ann@example.test', 'bob@example.test'
OFFICE = {'accounts': (ANN, BOB), 'config': f'''queue_retry = "1s"
tls_ca_file = "{CA[0]}"
sender_route "{ANN}" {{
 relay = "127.0.0.1"
 port = {RELAY.port}
 user = "ann@provider.test"
 password = "ann word"
}}
sender_route "example.test" {{
 relay = "127.0.0.1"
 port = {RELAY.port}
 user = "office@provider.test"
 password_command = "echo office word"
}}
route "direct.test" {{
 relay = "127.0.0.1"
 port = {DIRECT.port}
}}
route "one.test" {{
 relay = "127.0.0.1"
 port = {RELAY.port}
 user = "ann@provider.test"
 password = "ann word"
}}
route "two.test" {{
 relay = "127.0.0.1"
 port = {RELAY.port}
 user = "office@provider.test"
 password = "office word"
}}
route "three.test" {{
 relay = "127.0.0.1"
 port = {DIRECT.port}
 tls = encrypt
}}
route "nobody.test" {{
 null = refuse
}}
'''}


def send(office, sender, to, subject):
    with office.submit(sender) as s:
        s.sendmail(sender, to, f'From: {sender}\r\nSubject: {subject}\r\n\r\nx\r\n')


def came(p, count, seconds=30):
    wait_until(lambda: len(p.messages) >= count, seconds, f'{count} messages; it was told {p.lines[-20:]}')
    with p.lock:
        return list(p.messages)


def test_each_logs_in_as_itself(office):
    """In turns and at once, to one address of the relay: connections are shared only under one login."""
    for n in range(10):
        send(office, ANN, 'x@else.test', f'a{n}')
        send(office, BOB, 'x@else.test', f'b{n}')
    messages = came(RELAY, 20)
    assert len(messages) == 20
    for m in messages:
        assert m.tls and m.user == {ANN: 'ann@provider.test', BOB: 'office@provider.test'}[m.sender], m.sender
    assert RELAY.connections < 20, 'one connection was used for many messages of one sender'


def test_the_recipients_route_counts_before(office):
    send(office, ANN, 'x@direct.test', 'direct')
    (m,) = came(DIRECT, 1)
    assert m.user is None and m.sender == ANN


def test_one_message_by_two_sections(office):
    """To one host, but by one login each; and what must be encrypted does not go along with what need not be."""
    before = len(RELAY.messages)
    with office.submit(ANN) as s:
        s.sendmail(ANN, ['x@one.test', 'x@two.test', 'x@direct.test', 'x@three.test'], 'Subject: two\r\n\r\nx\r\n')
    messages = came(RELAY, before + 2)[before:]
    assert {(m.user, tuple(m.recipients)) for m in messages} == {
        ('ann@provider.test', ('x@one.test',)), ('office@provider.test', ('x@two.test',))}, messages
    assert came(DIRECT, 2)[-1].recipients == ['x@direct.test']
    wait_until(lambda: [(r['recipient'], r['attempts'] > 0) for r in office.json('queue', 'list')]
               == [('x@three.test', True)], 20, 'only that waits, for a server with TLS')
    office.must('queue', 'drop', '--recipient', 'x@three.test')


def test_explain_says_so(office):
    for sender, to, rule in ((ANN, 'x@else.test', f'sender_route "{ANN}"'),
                             (BOB, 'x@else.test', 'sender_route "example.test"'),
                             (ANN, 'x@direct.test', 'route "direct.test"')):
        rows = office.json('explain', 'rcpt', '--from', sender, '--to', to, '--ip', '127.0.0.1', '--auth', sender)
        (row,) = [r for r in rows if r['step'] == 'route']
        assert row['rule'] == f'{to}: {rule}', row
        assert row['result'].startswith('relay:[127.0.0.1]:'), row
        assert (',' in row['result']) == rule.startswith('sender'), row


def test_a_notice_has_no_sender(office):
    """What we tell the sender of is ours, not his: it does not go by his login."""
    before = len(RELAY.messages)
    send(office, ANN, 'x@nobody.test', 'null')
    got = wait_until(lambda: office.fetch(ANN), 20, 'a notice')
    assert len(got) == 1 and b'null' in got[0]
    assert len(RELAY.messages) == before


def test_a_login_that_is_refused_keeps_the_mail(office):
    before = len(RELAY.messages)
    LOGINS['ann@provider.test'] = 'changed'
    RELAY.hang_up()  # else a session that is logged in takes it
    send(office, ANN, 'x@else.test', 'kept')
    send(office, BOB, 'x@else.test', 'goes')
    (row,) = wait_until(lambda: [r for r in office.json('queue', 'list') if r['reply'].startswith('4.7.8')], 20,
                        'it waits')
    assert row['sender'] == ANN, row
    wait_until(lambda: any(m.sender == BOB for m in RELAY.messages[before:]), 20, 'the other goes')
    LOGINS['ann@provider.test'] = 'ann word'
    came(RELAY, before + 2)


def test_each_bounce_by_itself(office):
    """With XVERP a tag stands behind the name in each reverse-path: it is the mail of the same sender."""
    before = len(RELAY.messages)
    with office.submit(ANN) as s:
        s.mail(ANN, ['XVERP'])
        s.rcpt('x@else.test')
        s.rcpt('y@else.test')
        assert s.data('Subject: verp\r\n\r\nx\r\n')[0] == 250
    messages = came(RELAY, before + 2)[before:]
    assert {(m.user, m.sender) for m in messages} == {
        ('ann@provider.test', f'ann+{to}=else.test@example.test') for to in 'xy'}, messages


def test_by_a_second_office(_office):
    """A real next hop that wants AUTH: an account of another office, whose certificate is checked."""
    b = Office(domain='b.test', accounts=('out@b.test',), config='sender_login_match = no\n')
    a = None
    try:
        b.open()
        a = Office(domain='a.test', accounts=('ann@a.test', 'bob@a.test'), config=f'''tls_ca_file = "{b.ca}"
queue_retry = "1s"
sender_route "ann@a.test" {{
 relay = "localhost"
 port = {b.port("submission")}
 user = "out@b.test"
 password = "{PASSWORD}"
}}
''')
        a.open()
        send(a, 'ann@a.test', 'out@b.test', 'by its login')
        got = wait_until(lambda: b.fetch('out@b.test'), 30, 'it arrives')[0]
        assert b'Subject: by its login' in got and b'ESMTPSA' in got, got
    finally:
        for o in (a, b):
            if o is not None:
                o.destroy()
