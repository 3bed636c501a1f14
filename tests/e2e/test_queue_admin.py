"""restante queue: what waits is shown and steered, with a server and without one."""

import email
import smtplib
import subprocess

from office import BIN, environment, wait_until

OFFICE = {'config': """account_recipients_per_hour = 100000
carriers = 0
etrn_networks = "127.0.0.1"
queue_lifetime = "5d"
"""}


def submit(office, to, user='ann@example.test', subject='x'):
    text = f'From: <{user}>\r\nTo: <x@y.test>\r\nSubject: {subject}\r\n\r\ny\r\n'
    with office.submit(user) as s:
        s.ehlo()
        s.mail(user)
        for one in to:
            assert s.rcpt(one)[0] == 250, one
        code, said = s.data(text.encode())
        assert code == 250, said
        return said.decode().split()[1]


def states(office, message):
    return {r['recipient']: r['state'] for r in office.json('queue', 'show', message)}


def clear(office):
    office.must('queue', 'drop', '--all')
    assert office.json('queue', 'list') == []


def test_list_and_show(office):
    clear(office)
    first = submit(office, ['a@one.test', 'b@two.test'])
    second = submit(office, ['a@two.test'], 'bob@example.test')
    rows = office.json('queue', 'list')
    assert [(r['id'], r['recipient'], r['state']) for r in rows] == [
        (first, 'a@one.test', 'waiting'), (first, 'b@two.test', 'waiting'),
        (second, 'a@two.test', 'waiting')], rows
    assert rows[0]['sender'] == 'ann@example.test' and rows[0]['route'] == 'mx:one.test'
    assert rows[0]['attempts'] == 0 and rows[0]['last'] is None and rows[0]['next']
    assert [r['id'] for r in office.json('queue', 'list', '--domain', 'TWO.test')] == [first, second]
    assert [r['id'] for r in office.json('queue', 'list', '--sender', 'bob@example.test')] == [second]
    assert [r['number'] for r in office.json('queue', 'list', '--recipient', 'b@two.test')] == [1]
    assert office.json('queue', 'list', '--older-than', '1h') == []
    assert office.json('queue', 'list', '--error', 'greylist') == []
    assert [r['number'] for r in office.json('queue', 'show', first)] == [0, 1]
    text = office.must('queue', 'list').decode().splitlines()
    assert len(text) == 3 and text[0].startswith(first + '\t'), text
    clear(office)


def test_hold_release_reroute(office):
    clear(office)
    one = submit(office, ['a@one.test', 'b@two.test'])
    office.must('queue', 'hold', '--domain', 'two.test')
    assert states(office, one) == {'a@one.test': 'waiting', 'b@two.test': 'held'}
    assert [r['recipient'] for r in office.json('queue', 'list', '--held')] == ['b@two.test']
    assert office.json('queue', 'show', one)[1]['next'] is None
    done = office.json('queue', 'release', one)
    assert done == [{'messages': 1, 'recipients': 2, 'busy': 0, 'failed': 0}], done
    assert set(states(office, one).values()) == {'waiting'}
    office.must('queue', 'reroute', one, '--to', 'relay:[192.0.2.1]:2525')
    assert {r['route'] for r in office.json('queue', 'show', one)} == {'relay:[192.0.2.1]:2525'}
    for way, route in (('relay:192.0.2.1:2526', 'relay:[192.0.2.1]:2526'), ('lmtp:192.0.2.1', 'lmtp:[192.0.2.1]:24'),
                       ('relay:mx.else.test', 'relay:[mx.else.test]:25'),
                       ('default', 'mx:one.test')):
        office.must('queue', 'reroute', '--all', '--to', way)
        assert office.json('queue', 'show', one)[0]['route'] == route, way
    office.must('queue', 'reroute', one, '--to', 'relay:[192.0.2.1]:2525')
    office.must('queue', 'reroute', one)
    assert [r['route'] for r in office.json('queue', 'show', one)] == ['mx:one.test', 'mx:two.test']
    office.must('queue', 'retry', one)
    clear(office)


def test_trace_tells_the_orders(office):
    clear(office)
    one = submit(office, ['a@one.test'])
    orders = [(['hold'], 'held'), (['hold'], 'held'), (['retry'], 'held'), (['reroute', '--to', 'relay:[192.0.2.1]:2525'], 'rerouted'),
              (['release'], 'released'), (['hold'], 'held'), (['reroute'], 'rerouted'), (['release'], 'released')]
    for words, _ in orders:
        office.must('queue', words[0], one, *words[1:])
    events = [r['event'] for r in office.json('trace', one) if r['event'] not in ('taken in', 'goes on', 'deferred')]
    assert events == [event for _, event in orders], events
    clear(office)


def test_fail_tells_the_sender_and_drop_does_not(office):
    clear(office)
    office.fetch()
    one = submit(office, ['a@one.test', 'b@two.test', 'c@three.test'], subject='bounce me')
    office.must('queue', 'drop', '--recipient', 'a@one.test')
    office.must('queue', 'fail', '--domain', 'two.test')
    assert states(office, one) == {'a@one.test': 'dropped', 'b@two.test': 'failed',
                                   'c@three.test': 'waiting'}
    got = wait_until(lambda: office.fetch(), 20, 'a notice')
    assert len(got) == 1, len(got)
    notice = email.message_from_bytes(got[0])
    assert notice.get_content_type() == 'multipart/report'
    machine = notice.get_payload()[1].as_string()
    assert 'b@two.test' in machine and 'Action: failed' in machine
    assert 'a@one.test' not in machine and 'c@three.test' not in machine
    clear(office)
    assert office.fetch() == []


def test_the_postmaster_is_told_when_the_sender_has_gone(office):
    clear(office)
    office.fetch()
    office.add_account('gone@example.test')
    with office.submit('gone@example.test') as s:
        s.sendmail('gone@example.test', ['a@one.test'], b'Subject: farewell\r\n\r\nx\r\n')
    office.must('account', 'del', 'gone@example.test')
    office.must('queue', 'fail', '--recipient', 'a@one.test')
    got = wait_until(lambda: office.fetch(), 60, 'a notice to the oldest account')
    notice = email.message_from_bytes(got[0])
    assert notice['To'] == '<postmaster@example.test>', notice['To']
    assert 'a@one.test' in notice.get_payload()[1].as_string()
    assert 'gone@example.test' in notice.get_payload()[2].as_string()
    clear(office)


def test_page_by_page(office):
    clear(office)
    many = [f'u{i}@many.test' for i in range(900)]
    big = submit(office, many)
    ids = [submit(office, ['v@many.test']) for _ in range(20)]
    rows = office.json('queue', 'list')
    got = [r['recipient'] for r in rows if r['id'] == big]
    assert got == sorted(many), len(got)
    assert [r['id'] for r in rows[900:]] == ids
    assert len(office.json('queue', 'show', big)) == 900
    done = office.json('queue', 'hold', '--domain', 'many.test')
    assert done == [{'messages': 21, 'recipients': 920, 'busy': 0, 'failed': 0}], done
    with subprocess.Popen([BIN, 'queue', 'list', '--state', office.state], stdout=subprocess.PIPE,
                          env=environment()) as p:
        p.stdout.readline()  # and no more: the reader goes away
        p.stdout.close()
        assert p.wait(20) == 74
    clear(office)


def test_bad_requests(office):
    clear(office)
    one = submit(office, ['a@one.test'])
    for words, code, said in (
            (['retry'], 64, b'needs ids, or --all'),
            (['retry', one, '--all'], 64, b'needs ids, or --all'),
            (['retry', 'x'], 64, b'no id of a message'),
            (['retry', '01ARZ3NDEKTSV4RRFFQ69G5FAV'], 67, b'nothing of'),
            (['show', '01ARZ3NDEKTSV4RRFFQ69G5FAV'], 67, b'nothing of'),
            (['reroute'], 64, b'needs ids, or --all'),
            (['reroute', one, '--to', 'relay:x:99999'], 64, b'is no way'),
            (['reroute', one, '--to', 'relay:'], 64, b'is no way'),
            (['reroute', one, '--to', 'nonsense'], 64, b'is no way'),
            (['reroute', one, '--to', 'relay:[x]:99999'], 64, b'is no way'),
            (['reroute', one, '--to', 'relay:[x]:25,ann'], 64, b'is no way'),
            (['reroute', one, '--to', 'relay:x y:25'], 64, b'is no way'),
            (['reroute', one, '--to', 'lmtp:x..test'], 64, b'is no way'),
            (['reroute', one, '--to', 'mx:x y'], 64, b'is no way'),
            (['list', '--older-than', 'yesterday'], 64, b'no time'),
            (['list', '--older-than', '9999999999999w'], 64, b'')):
        done = office.run('queue', *words)
        assert done.returncode == code and said in done.stderr, (words, done)
        assert done.stderr.count(b'\n') == 1, done.stderr
    clear(office)


def test_trace(office):
    clear(office)
    office.fetch()
    office.fetch('bob@example.test')
    text = b'From: <ann@example.test>\r\nMessage-ID: <trace.1@example.test>\r\n\r\nx\r\n'
    with office.submit() as s:
        s.sendmail('ann@example.test', ['bob@example.test', 'zed@zed.test', 'abe@abe.test'], text)
    rows = office.json('trace', 'trace.1@example.test')
    message = rows[0]['id']
    assert office.json('trace', message) == rows == office.json('trace', '<trace.1@example.test>')
    assert [(r['event'], r['recipient']) for r in rows] == [
        ('taken in', ''), ('put in mailbox', 'bob@example.test'), ('goes on', 'zed@zed.test'),
        ('goes on', 'abe@abe.test')], rows
    assert rows[0]['client'].startswith('ann@example.test via ') and rows[0]['tls'].startswith('TLSv1.')
    assert rows[0]['sender'] == 'ann@example.test' and rows[0]['octets'] > len(text)
    office.must('queue', 'hold', '--recipient', 'zed@zed.test')
    office.must('queue', 'release', '--recipient', 'zed@zed.test')
    office.must('queue', 'fail', '--recipient', 'abe@abe.test')
    wait_until(lambda: any(r['event'] == 'sender told' for r in office.json('trace', message)), 20, 'told')
    office.fetch('bob@example.test')
    events = [(r['event'], r['recipient']) for r in office.json('trace', message)][4:]
    assert events == [('held', 'zed@zed.test'), ('released', 'zed@zed.test'), ('failed', 'abe@abe.test'),
                      ('sender told', 'abe@abe.test'), ('retrieved', 'bob@example.test'),
                      ('deleted', 'bob@example.test')], events
    of_ann = office.json('trace', 'ann@example.test')
    assert any(r['event'] == 'put in mailbox' and r['recipient'] == 'ann@example.test' for r in of_ann)
    assert {r['id'] for r in office.json('trace', 'zed@zed.test')} >= {message}
    missing = office.run('trace', 'nothing@nowhere.test')
    assert missing.returncode == 67 and missing.stderr.count(b'\n') == 1, missing
    clear(office)
    office.stop()
    assert office.json('trace', message)[-1]['event'] == 'dropped'
    office.must('store', 'compact', '--now')
    office.start()


def test_etrn(office):
    clear(office)
    one = submit(office, ['a@mail.late.test', 'b@other.test'])
    office.must('queue', 'hold', '--recipient', 'b@other.test')
    with office.mx() as s:
        s.ehlo()
        assert s.has_extn('etrn')
        assert s.docmd('ETRN', 'late.test')[0] == 251
        assert s.docmd('ETRN', '@late.test') == (253, b'2.0.0 1 pending messages started')
        assert s.docmd('ETRN', 'mail.LATE.test')[0] == 253
        assert s.docmd('ETRN', '@ate.test')[0] == 251
        assert s.docmd('ETRN', '#late')[0] == 458
    with smtplib.SMTP('127.0.0.1', office.port('smtp'), timeout=20, source_address=('127.0.0.2', 0)) as s:
        s.ehlo()
        assert not s.has_extn('etrn') and s.docmd('ETRN', 'late.test')[0] == 459
    with office.submit() as s:
        s.ehlo()
        assert not s.has_extn('etrn') and s.docmd('ETRN', 'late.test')[0] == 500
    assert states(office, one) == {'a@mail.late.test': 'waiting', 'b@other.test': 'held'}
    clear(office)


def test_without_a_server(office):
    clear(office)
    office.fetch()
    one = submit(office, ['a@one.test', 'b@two.test'])
    office.stop()
    office.must('queue', 'hold', '--recipient', 'a@one.test')
    office.must('queue', 'fail', '--recipient', 'b@two.test')
    assert states(office, one) == {'a@one.test': 'held', 'b@two.test': 'failed'}
    assert office.json('queue', 'list')[1]['notice'] is True
    office.start()
    assert states(office, one)['a@one.test'] == 'held'
    got = wait_until(lambda: office.fetch(), 20, 'the notice that is owed')
    assert len(got) == 1 and b'b@two.test' in got[0] and b'a@one.test' not in got[0], got
    assert 'notice' not in office.json('queue', 'show', one)[1] or not office.json('queue', 'show', one)[1]['notice']
