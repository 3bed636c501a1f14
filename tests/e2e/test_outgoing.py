"""Mail that leaves: to servers that take it, refuse it, break, lie, or are not there."""

import atexit
import email
import email.policy
import os
import re
import shutil
import signal
import smtplib
import tempfile
import time

import peer
from office import Office, added, name_of, wait_until

HERE = tempfile.mkdtemp(prefix='restante-outgoing-')
atexit.register(shutil.rmtree, HERE, ignore_errors=True)
CA = peer.certificate(HERE, 'ca', ('ca.test',))
GOOD = peer.certificate(HERE, 'good', ('good.test',), ca=CA, ip=('127.0.0.1',))
OTHER = peer.certificate(HERE, 'other', ('other.test',))

PEERS = {}
CONFIG = [f'''queue_retry = "1s"
tls_ca_file = "{CA[0]}"
smtp_client_connect_timeout = 3s
smtp_client_greeting_timeout = 1s
smtp_client_data_timeout = 2s
smtp_client_command_timeout = 3s
smtp_client_dot_timeout = 4s
''']


def server(name, settings='', kind='relay', **how):
    p = PEERS[name] = peer.Peer(**how)
    CONFIG.append(f'route "{name}.test" {{\n {kind} = "127.0.0.1"\n port = {p.port}\n {settings}\n}}\n')
    return p


server('plain')
server('notls', 'tls = encrypt')
server('verified', 'tls = verify', tls=GOOD)
server('wrongname', 'tls = verify', tls=OTHER)
server('anycert', 'tls = encrypt', tls=OTHER)
server('implicit', 'tls = implicit', tls=GOOD, implicit=True)
server('brokentls', tls=OTHER)
server('login', 'tls = verify\n user = "relay@x.test"\n password = "s3cret word"', tls=GOOD,
       users={'relay@x.test': 's3cret word'})
server('badlogin', 'tls = verify\n user = "relay@x.test"\n password = "wrong"', tls=GOOD,
       users={'relay@x.test': 'right'})
server('command', f'tls = verify\n user = "c@x.test"\n password_command = "grep NoNewPrivs /proc/self/status > {HERE}/rights; cat {HERE}/word"', tls=GOOD,
       users={'c@x.test': 'from the command'})
server('hangs', 'tls = verify\n user = "h@x.test"\n password_command = "sleep 100"', tls=GOOD,
       users={'h@x.test': 'x'})
server('lmtp', kind='lmtp', lmtp=True)
server('ascii', extensions=['PIPELINING', 'ENHANCEDSTATUSCODES'])
server('oldest', replies={'EHLO': '502 5.5.1 what?'})
NO_CHUNKS = ['PIPELINING', 'SIZE 50000000', '8BITMIME', 'ENHANCEDSTATUSCODES']
server('again', extensions=NO_CHUNKS)
server('nonsense')
server('few', 'retry = "1h"')
server('limits', 'retry = "1h"', extensions=[*NO_CHUNKS, 'LIMITS RCPTMAX=3'])
server('silent', extensions=NO_CHUNKS)
CONFIG.append('source "second.test" {\n ipv4 = "127.0.0.9"\n}\nsource "third.test" {\n ipv4 = "192.0.2.77"\n}\n')
OFFICE = {'config': ''.join(CONFIG)}


def fresh(name):
    p = PEERS[name]
    p.hang_up()
    with p.lock:
        p.messages.clear()
        p.lines.clear()
        p.replies.clear()
        p.uses.clear()
        p.sizes.clear()
        p.connections = 0
    return p


def send(office, to, text='Subject: x\r\n\r\nhello\r\n', options=(), rcpt_options=()):
    to = [to] if isinstance(to, str) else to
    with office.submit() as s:
        return s.sendmail(office.ann, to, text, mail_options=list(options), rcpt_options=list(rcpt_options))


def arrives(p, count=1, seconds=20):
    wait_until(lambda: len(p.messages) >= count, seconds, f'{count} messages; it was told {p.lines[-20:]}')
    return p.messages[-1]


def report(office, seconds=20):
    """The one notice in ann's mailbox."""
    got = wait_until(lambda: office.fetch(), seconds, 'a notice comes')
    assert len(got) == 1, got
    m = email.message_from_bytes(got[0], policy=email.policy.default)
    assert m.get_content_type() == 'multipart/report', got[0]
    parts = list(m.iter_parts())
    return [dict(b.items()) for b in parts[1].get_payload()[1:]], parts


def log_has(office, event, seconds=10, **fields):
    def found():
        with open(office.log, encoding='utf-8', errors='replace') as f:
            return [x for x in f if f'event={event} ' in x and all(f'{k}={v}' in x for k, v in fields.items())]
    return wait_until(found, seconds, f'{event} {fields} in the log')[-1]


def test_delivered(office):
    p = fresh('plain')
    text = b'From: ann@example.test\r\nSubject: one\r\n\r\nfirst\r\n.\r\n..two dots\r\nlast\r\n'
    send(office, 'x@plain.test', text)
    m = arrives(p)
    assert (m.sender, m.recipients) == ('ann@example.test', ['x@plain.test'])
    assert m.octets.endswith(text.split(b'\r\n\r\n', 1)[1])
    assert b'\r\nReceived: ' in b'\r\n' + m.octets
    line = log_has(office, 'carrier.delivered', to='x@plain.test', tls='clear')
    assert '[127.0.0.1]' in line and 'status=2.0.0' in line, line
    assert office.fetch() == []


def test_one_transaction_for_many(office):
    p = fresh('plain')
    to = [f'u{i}@plain.test' for i in range(50)]
    send(office, to)
    assert sorted(arrives(p).recipients) == sorted(to)
    assert len(p.messages) == 1


def test_each_recipient_has_its_own_end(office):
    p = fresh('plain')
    said = {'no@': '550 5.1.1 no such user', 'later@': '451 4.2.2 later'}
    p.replies['RCPT'] = lambda c, line: next((r for a, r in said.items() if a in line), '250 2.1.5 ok')
    send(office, ['yes@plain.test', 'no@plain.test', 'later@plain.test', 'also@plain.test'])
    assert sorted(arrives(p).recipients) == ['also@plain.test', 'yes@plain.test']
    log_has(office, 'carrier.deferred', to='later@plain.test', status='4.2.2')
    del said['later@']
    m = arrives(p, 2)
    assert m.recipients == ['later@plain.test']
    rows, parts = report(office)
    assert len(rows) == 1, rows
    assert rows[0]['Final-Recipient'].endswith('no@plain.test') and rows[0]['Status'] == '5.1.1', rows
    assert '550 5.1.1 no such user' in rows[0]['Diagnostic-Code'], rows
    assert 'no@plain.test' in parts[0].get_content()
    assert len(p.messages) == 2


def test_as_many_as_it_takes(office):
    """A server with a limit on recipients gets all of them without waiting for queue_retry (RFC 5321 4.5.3.1.10)."""
    for full in ('452 4.5.3 too many', '452 too many', '552 too many'):
        p = fresh('few')
        p.replies['RCPT'] = lambda c, _line, r=full: '250 2.1.5 ok' if len(c.recipients) < 3 else r
        send(office, [f'u{i}@few.test' for i in range(10)])
        wait_until(lambda q=p: sum(len(m.recipients) for m in q.messages) == 10, 20, f'all come, {full}')
        assert [len(m.recipients) for m in p.messages] == [3, 3, 3, 1], full
    # Where nobody is taken, there is nothing to be hurried.
    p = fresh('few')
    p.replies['RCPT'] = '452 4.5.3 too many'
    send(office, ['a@few.test', 'b@few.test'])
    wait_until(lambda: [r['attempts'] for r in office.json('queue', 'list', '--domain', 'few.test')] == [1, 1], 20,
               'each was tried once')
    assert len(p.said('MAIL')) == 1, p.lines
    office.must('queue', 'drop', '--domain', 'few.test')


def test_as_many_as_it_says(office):
    """RCPTMAX (RFC 9422 4.2): no more are named, and the others do not wait, even when nobody before them exists."""
    p = fresh('limits')
    p.replies['RCPT'] = lambda c, line: '450 4.2.1 later' if '<u0@' in line else '250 2.1.5 ok' if '<w' in line else '550 5.1.1 who?'
    send(office, [f'u{i}@limits.test' for i in range(4)] + [f'w{i}@limits.test' for i in range(4)])
    wait_until(lambda: sum(len(m.recipients) for m in p.messages) == 4, 20, 'all that exist come')
    named = ''.join('|' if line.startswith('MAIL') else 'r' for line in p.lines if line.startswith(('MAIL', 'RCPT')))
    assert named.split('|') == ['', 'rrr', 'rrr', 'rr'], p.lines
    rows = office.json('queue', 'list', '--domain', 'limits.test')
    assert [(r['recipient'], r['attempts']) for r in rows] == [('u0@limits.test', 1)], rows
    office.must('queue', 'drop', '--domain', 'limits.test')
    told = []
    wait_until(lambda: told.extend(office.fetch()) or sum(n.count(b'Final-Recipient: ') for n in told) == 3, 20, 'the sender knows')


def test_refused_after_the_data(office):
    p = fresh('plain')
    p.replies['.'] = '554 5.7.1 we think it is spam'
    send(office, ['a@plain.test', 'b@plain.test'])
    rows, _ = report(office)
    assert sorted(r['Final-Recipient'].split(';')[1].strip() for r in rows) == ['a@plain.test', 'b@plain.test']
    assert {r['Status'] for r in rows} == {'5.7.1'}


def temporary(office, key, reply, expect=1, name='again'):
    """It says so once, and takes the mail at the next attempt."""
    p = fresh(name)
    p.replies[key] = [reply, {'greeting': '220 hi', 'DATA': '354 go'}.get(key, '250 2.0.0 ok')]
    send(office, f'x@{name}.test', f'Subject: {key}\r\n\r\n{key}\r\n')
    arrives(p)
    time.sleep(0.3)
    assert expect is None or len(p.messages) == expect, p.lines
    assert office.fetch() == []


def test_temporary_everywhere(office):
    for key in ('greeting', 'MAIL', 'RCPT', 'DATA', '.'):
        temporary(office, key, '450 4.3.0 not now')


def test_421_everywhere(office):
    for key in ('greeting', 'MAIL', 'RCPT', 'DATA', '.'):
        temporary(office, key, '421 4.3.2 closing')


def test_closes_everywhere(office):
    for key in ('greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA'):
        temporary(office, key, peer.CLOSE)


def test_turned_away_at_the_door(office):
    temporary(office, 'greeting', '554 5.7.1 not you')


def test_closes_after_the_dot(office):
    # Nobody knows whether it was taken: it comes again (RFC 1047), and the log says why.
    temporary(office, '.', peer.CLOSE)
    log_has(office, 'carrier.deferred', to='x@again.test', status='4.4.2')


def test_garbage(office):
    for reply in (b'\0\1\2\3 garbage\r\n', b'hello there\r\n', b'2\r\n', b'250-' + b'x' * 100000 + b'\r\n',
                  b'250-a\r\n' * 3000, b'999 9.9.9 what\r\n', b'250-a\r\n550 b\r\n'):
        # Some servers that say nonsense to MAIL take what follows all the same.
        temporary(office, 'MAIL', reply, None, 'nonsense')


def test_never_answers(office):
    for key, seconds in (('greeting', 1), ('EHLO', 3), ('MAIL', 3), ('DATA', 2), ('.', 4)):
        p = fresh('silent')
        fine = {'greeting': '220 hi', 'DATA': '354 go', 'EHLO': '250 peer.test'}.get(key, '250 2.0.0 ok')
        p.replies[key] = [peer.SILENT, fine]
        to = f'{key.lower().replace(".", "dot")}@silent.test'
        send(office, to)
        arrives(p)
        took = int(re.search(r' ms=(\d+)', log_has(office, 'carrier.deferred', to=to)).group(1))
        assert seconds * 1000 <= took < seconds * 1000 + 5000, (key, took)


test_never_answers.seconds = 180


def test_nobody_there(office):
    p = fresh('again')
    port = p.port
    p.close()
    send(office, 'x@again.test')
    line = log_has(office, 'carrier.deferred', to='x@again.test', status='4.4.1')
    assert 'refused' in line.lower(), line
    PEERS['again'] = peer.Peer(port=port)
    arrives(PEERS['again'])


def test_old_server(office):
    p = fresh('oldest')
    p.replies['EHLO'] = '502 5.5.1 what?'
    send(office, 'x@oldest.test')
    arrives(p)
    assert p.said('HELO')


def test_opportunistic_tls(office):
    p = fresh('anycert')
    send(office, 'x@anycert.test')
    assert arrives(p).tls.startswith('TLSv1.')
    log_has(office, 'carrier.delivered', to='x@anycert.test', tls='encrypted')


def test_verified_tls(office):
    for name in ('verified', 'implicit'):
        p = fresh(name)
        send(office, f'x@{name}.test')
        assert arrives(p).tls.startswith('TLSv1.')
        log_has(office, 'carrier.delivered', to=f'x@{name}.test', tls='verified')


def test_tls_sessions_are_resumed(office):
    """The next connection to the same server goes on with the session of the one before (RFC 8446 2.2), and is worth as much."""
    for name in ('verified', 'anycert'):
        p = fresh(name)
        send(office, f'first@{name}.test')
        arrives(p)
        p.hang_up()
        send(office, f'next@{name}.test')
        arrives(p, 2)
        assert p.messages[1].resumed, name
        log_has(office, 'carrier.delivered', to=f'next@{name}.test', tls='verified' if name == 'verified' else 'encrypted')


def test_wrong_certificate(office):
    p = fresh('wrongname')
    send(office, 'x@wrongname.test')
    log_has(office, 'carrier.deferred', to='x@wrongname.test', status='4.7.5')
    time.sleep(2.5)
    assert not p.messages and not p.said('MAIL'), p.lines


def test_no_tls_where_it_must_be(office):
    p = fresh('notls')
    send(office, 'x@notls.test')
    log_has(office, 'carrier.deferred', to='x@notls.test')
    assert not p.messages and not p.said('MAIL'), p.lines


def test_broken_tls_falls_back(office):
    p = fresh('brokentls')

    def breaks(c, _line):
        c.sock.sendall(b'220 go\r\n')
        c.sock.recv(1000)
        c.sock.sendall(b'this is not TLS\r\n')
        return peer.CLOSE
    p.replies['STARTTLS'] = breaks
    send(office, 'x@brokentls.test')
    assert arrives(p).tls is None
    log_has(office, 'carrier.tls-fallback')


def test_login(office):
    p = fresh('login')
    send(office, 'x@login.test')
    m = arrives(p)
    assert m.user == 'relay@x.test' and m.tls
    with open(office.log, encoding='utf-8', errors='replace') as f:
        assert 's3cret' not in f.read()


def test_login_refused(office):
    p = fresh('badlogin')
    send(office, 'x@badlogin.test')
    log_has(office, 'carrier.login-failed', user='relay@x.test')
    log_has(office, 'carrier.deferred', to='x@badlogin.test', status='4.7.8')
    assert not p.messages
    # One wrong password is one failed login: LOGIN would be refused as PLAIN was, and counted.
    with p.lock:
        said = [line.split(' ')[0] for line in p.lines]
    assert 1 <= said.count('AUTH') <= said.count('STARTTLS'), p.lines


def test_a_mechanism_that_is_refused(office):
    p = fresh('login')
    p.replies['AUTH'] = lambda c, line: '504 5.5.4 not known' if 'PLAIN' in line else '235 2.7.0 ok'
    send(office, 'x@login.test')
    assert arrives(p).user == 'relay@x.test'
    assert [line.split(' ')[1] for line in p.lines if line.startswith('AUTH')] == ['PLAIN', 'LOGIN'], p.lines


def test_password_command(office):
    p = fresh('command')
    send(office, 'x@command.test')
    log_has(office, 'parent.password-command')
    with open(f'{HERE}/word', 'w', encoding='ascii') as f:
        f.write('from the command\n' + 'more than a pipe holds\n' * 10000)  # P9: of any length
    assert arrives(p, seconds=40).user == 'c@x.test'
    with open(f'{HERE}/rights', encoding='ascii') as f:
        assert f.read().split() == ['NoNewPrivs:', '1']  # sudo and its like give it none


def test_password_command_that_hangs(office):
    fresh('hangs')
    send(office, 'x@hangs.test')
    log_has(office, 'parent.password-command', why='time-out', seconds=20)
    log_has(office, 'carrier.deferred', to='x@hangs.test', status='4.7.8')
    # Nobody else waits for it.
    p = fresh('plain')
    send(office, 'x@plain.test')
    arrives(p)


def test_lmtp(office):
    p = fresh('lmtp')
    p.replies['.'] = lambda c, to: '250 2.0.0 ok' if to.startswith('a@') else '552 5.2.2 full'
    send(office, ['a@lmtp.test', 'b@lmtp.test'])
    assert arrives(p).recipients == ['a@lmtp.test']
    assert p.said('LHLO') and not p.said('EHLO')
    rows, _ = report(office)
    assert len(rows) == 1 and rows[0]['Status'] == '5.2.2', rows


def test_one_connection_for_many(office):
    p = fresh('plain')
    with office.submit() as s:
        for i in range(60):
            s.sendmail(office.ann, ['x@plain.test'], f'Subject: {i}\r\n\r\n{i}\r\n')
    arrives(p, 60, 30)
    assert p.connections <= 20, p.connections
    # Who waits for the next message says goodbye after a moment.
    wait_until(lambda: len(p.said('QUIT')) == p.connections, 10, f'QUIT {p.connections}')


def test_each_domain_leaves_from_its_own_address(office):
    """A connection that waits for more is of one address, so the other domain has another."""
    p = fresh('plain')
    p.clients.clear()
    for domain in ('second.test', 'third.test'):
        office.must('domain', 'add', domain)
        office.must('alias', 'add', f'ann@{domain}', office.ann)
    for sender in (office.ann, 'ann@second.test', office.ann, 'ann@second.test'):
        taken = len(p.messages)
        with office.submit() as s:
            s.sendmail(sender, ['x@plain.test'], f'From: {sender}\r\n\r\nx\r\n')
        assert arrives(p, taken + 1).sender == sender
    assert sorted(p.clients) == ['127.0.0.1', '127.0.0.9'], p.clients
    with office.submit() as s:
        s.sendmail('ann@third.test', ['x@plain.test'], 'From: ann@third.test\r\n\r\nx\r\n')
    assert 'assign' in log_has(office, 'carrier.deferred', to='x@plain.test', status='4.4.1')
    wait_until(lambda: not office.run('queue', 'drop', '--sender', 'ann@third.test').returncode, 20,
               'it is not on its way')


def test_large(office):
    for name in ('plain', 'ascii'):
        p = fresh(name)
        body = (b'0123456789' * 7 + b'\r\n.dot\r\n') * 60000
        send(office, f'x@{name}.test', b'Subject: large\r\n\r\n' + body)
        assert arrives(p, seconds=60).octets.endswith(body), name
        assert bool(p.said('BDAT')) == (name == 'plain')


def test_the_next_hop_tells_the_sender(office):
    p = fresh('plain')
    send(office, 'x@plain.test', options=['RET=HDRS', 'ENVID=abc'], rcpt_options=['NOTIFY=SUCCESS,FAILURE'])
    arrives(p)
    assert 'RET=HDRS' in p.said('MAIL')[0] and 'ENVID=abc' in p.said('MAIL')[0], p.lines
    assert 'NOTIFY=SUCCESS,FAILURE' in p.said('RCPT')[0], p.lines
    time.sleep(1)
    assert office.fetch() == []


def test_utf8_to_one_who_cannot(office):
    p = fresh('ascii')
    with office.submit() as s:
        s.ehlo()
        s.mail(office.ann, ['SMTPUTF8'])
        s.send('RCPT TO:<j\u00fcrgen@ascii.test>\r\n'.encode())
        assert s.getreply()[0] == 250
        s.data('Subject: \u00fc\r\n\r\nhello\r\n'.encode())
    got = wait_until(lambda: office.fetch(), 20, 'a notice comes')[0]
    assert b'message/global-delivery-status' in got and b'Status: 5.6.7' in got, got
    assert not p.messages


def carrier_pids(office):
    return [p for p in office.children() if name_of(p) == 'carrier']


def test_killed_in_the_middle(office):
    """Whoever dies, each recipient gets the message or the sender hears of it; twice at most for each
    kill that came between the dot and its reply."""
    p = fresh('again')
    p.replies['.'] = lambda c, line: (time.sleep(0.05), '250 2.0.0 ok')[1]
    sent = []
    for n, victim in enumerate(['carrier', 'store', 'carrier', 'parent', 'store', 'carrier', 'parent', 'carrier']):
        to = [f'k{n}r{i}@again.test' for i in range(20)]
        for i in range(0, 20, 5):
            send(office, to[i:i + 5], f'Subject: {n} {i}\r\n\r\nx\r\n')
        sent += to
        time.sleep(0.02 * n)
        if victim == 'parent':
            office.kill()
            office.start()
        else:
            pids = carrier_pids(office) if victim == 'carrier' else [office.store_pid()]
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: carrier_pids(office) and office.store_pid(), 20, 'started again')
            wait_until(lambda: office.store_pid() and can_login(office), 20, 'works again')

    def missing():
        return set(sent) - {r for m in p.messages for r in m.recipients}
    wait_until(lambda: not missing(), 60, f'all arrive; missing {sorted(missing())[:10]}')
    assert office.fetch() == []
    copies = len(p.messages)
    assert copies <= 32 + 8 * 4, copies


test_killed_in_the_middle.seconds = 240


def can_login(office):
    try:
        office.submit().quit()
        return True
    except (OSError, smtplib.SMTPException):
        return False


def test_from_office_to_office(office):
    b = Office(domain='b.test')
    try:
        b.open()
        with open(office.path('restante.conf'), 'a', encoding='utf-8') as f:
            f.write(f'route "b.test" {{\n relay = "127.0.0.1"\n port = {b.port("smtp")}\n}}\n')
        before = carrier_pids(office)
        office.process.send_signal(signal.SIGHUP)
        wait_until(lambda: set(carrier_pids(office)) - set(before), 20, 'a new carrier')
        text = b'From: ann@example.test\r\nSubject: to b\r\n\r\nhello b\r\n'
        send(office, 'ann@b.test', text)
        got = wait_until(lambda: b.fetch(), 20, 'it arrives')[0]
        assert b'hello b\r\n' in got and b'Return-Path: <ann@example.test>' in got, got
        assert len(re.findall(rb'(?m)^Received:', got)) == 2, got
        wait_until(lambda: len(carrier_pids(office)) == 1, 20, 'the old carrier ends')
    finally:
        b.close()
        shutil.rmtree(b.dir, ignore_errors=True)
