"""LMTP (from Postfix too), DSN and LIMITS as announced, extensions left out, PROXY and XCLIENT, overload."""

import grp
import os
import pwd
import random
import re
import shutil
import smtplib
import socket
import struct
import subprocess
import time

import messages
from office import HOST, Skip, Wire, wait_until

# The sections of `init` come first; these listen besides them, at ports that test() knows.
SECTIONS = '''
xclient_networks = "127.0.0.3"
transactions_max = 4
connections_max = 30
connections_per_address = 6
'''
OFFICE = {'config': SECTIONS}
extra_ports = {}
ANN, BOB = 'ann@example.test', 'bob@example.test'


def configure(office, sections):
    """Adds listen sections and starts again; init has written those that the office needs."""
    office.stop()
    with open(office.path('restante.conf'), 'a', encoding='utf-8') as f:
        f.write(sections)
    office.start()


def extra_port(n):
    """A free port below the kernel's own choice for clients; the same for the same n."""
    while n not in extra_ports:
        port = random.randrange(32000, 32700)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(('127.0.0.1', port))
            except OSError:
                continue
        if port not in extra_ports.values():
            extra_ports[n] = port
    return extra_ports[n]


def from_address(source, port):
    """A wire from another loopback address."""
    w = Wire.__new__(Wire)
    w.sock = socket.create_connection(('127.0.0.1', port), timeout=20, source_address=(source, 0))
    w.held, w.ended = b'', False
    return w


def empty(office):
    for user in (ANN, BOB):
        office.fetch(user)


def test_lmtp(office):
    empty(office)
    raw = messages.plain(b'by lmtp\r\n', 'lmtp')
    with smtplib.LMTP(HOST, office.port('lmtp'), timeout=20) as s:
        assert s.sendmail('x@elsewhere.test', [ANN], raw) == {}
        assert 'dsn' in s.esmtp_features and 'chunking' in s.esmtp_features, s.esmtp_features
        # The library reads one reply to DATA, whatever the number of recipients.
        s.mail('x@elsewhere.test')
        assert [s.rcpt(to)[0] for to in (BOB, 'nobody@example.test', ANN)] == [250, 550, 250]
        first, second = s.data(raw), s.getreply()
        assert first == second and first[0] == 250, (first, second)
    for user, count in ((ANN, 2), (BOB, 1)):
        got = office.fetch(user)
        assert len(got) == count and all(m.endswith(raw) for m in got), got
        assert b' with LMTP id ' in got[0], got[0][:400]


def test_lmtp_replies(office):
    with office.wire('lmtp') as w:
        assert w.reply().startswith('220')
        assert w.ask('EHLO client.test').startswith('500')
        assert w.ask('HELO client.test').startswith('500')
        assert w.ask('LHLO client.test').startswith('250')
        assert w.ask('MAIL FROM:<x@elsewhere.test>').startswith('250')
        assert w.ask('RCPT TO:<nobody@example.test>').startswith('550')
        assert w.ask('DATA').startswith('503')
        assert w.ask(f'RCPT TO:<{ANN}>').startswith('250')
        assert w.ask(f'RCPT TO:<{ANN}>').startswith('250')
        assert w.ask('RCPT TO:<x@elsewhere.test>').startswith('550 5.7.1')
        assert w.ask('DATA').startswith('354')
        w.send('Subject: twice\r\n\r\nhello\r\n.\r\nNOOP\r\n')
        first, second = w.reply(), w.reply()
        assert first.startswith('250') and first == second, (first, second)
        assert w.reply() == '250 2.0.0 ok'
    assert len(office.fetch(ANN)) == 1  # one maildrop, one message


MAIN_CF = """
compatibility_level = 3.6
myhostname = relay.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
relay_domains = example.test
default_transport = discard
relay_transport = lmtp:inet:[127.0.0.1]:{lmtp}
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
queue_directory = {dir}/queue
data_directory = {dir}/data
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
lmtp_destination_recipient_limit = 50
"""
MASTER_CF = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
lmtp unix - - n - - lmtp
error unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


def lmtp_commit(office, recipients, raw):
    """Announces no size, so that what does not fit is found out at the end."""
    with office.wire('lmtp') as w:
        w.reply()
        w.ask('LHLO client.test')
        w.ask('MAIL FROM:<x@elsewhere.test>')
        for r in recipients:
            reply = w.ask(f'RCPT TO:<{r}>')
            assert reply.startswith('250'), (r, reply)
        assert w.ask('DATA').startswith('354')
        w.send(raw + b'.\r\n')
        replies = [w.reply() for _ in recipients]
        assert w.ask('NOOP').startswith('250'), 'a reply too many'
        return [r[:9] for r in replies]


def test_lmtp_quota(office):
    """RFC 2033 4.2: who is full is told so, the others get the message."""
    ann, bob = 'ann@example.test', 'bob@example.test'
    raw = messages.plain(b'as long as the other\r\n', 'lmtp-quota')

    def empty():
        return len(office.fetch(ann)), len(office.fetch(bob))

    empty()
    assert lmtp_commit(office, [ann, bob], raw) == ['250 2.0.0'] * 2
    octets = office.json('account', 'show', bob)[0]['octets']
    for quota, reply, count in ((octets, '250 2.0.0', 1), (octets - 1, '452 4.2.2', 0)):
        empty()
        office.must('account', 'set', bob, '--quota-bytes', str(quota))
        assert lmtp_commit(office, [bob, ann, bob], raw) == [reply, '250 2.0.0', reply], quota
        assert empty() == (1, count), quota
    office.must('account', 'set', bob, '--quota-bytes', '100')
    office.must('account', 'set', ann, '--quota-bytes', '100')
    assert lmtp_commit(office, [ann, bob, ann], raw) == ['452 4.2.2'] * 3
    # SMTP has one answer: who has room gets it, and so does who has not, as it was accepted at RCPT.
    office.must('account', 'set', ann, '--quota-bytes', 'default')
    with office.wire('smtp') as w:
        w.reply()
        w.ask('EHLO client.test')
        for command in ('MAIL FROM:<x@elsewhere.test>', f'RCPT TO:<{ann}>', f'RCPT TO:<{bob}>'):
            assert w.ask(command).startswith('250')
        assert w.ask('DATA').startswith('354')
        assert w.ask(raw + b'.\r\n').startswith('250')
    assert empty() == (1, 1)
    office.must('account', 'set', bob, '--quota-bytes', 'default')
    assert ' full=2 ' in office.log_tail(20000)


def test_lmtp_from_postfix(office):
    postfix = shutil.which('postfix', path='/usr/sbin:/usr/bin')
    if postfix is None or os.geteuid() != 0:
        raise Skip('postfix is not installed, or may not be started')
    empty(office)
    home = os.path.join(office.dir, 'postfix')
    port = extra_port(9)
    for name in ('', 'queue', 'data'):
        os.mkdir(os.path.join(home, name))
    os.chown(os.path.join(home, 'data'), pwd.getpwnam('postfix').pw_uid,
             grp.getgrnam('postfix').gr_gid)
    for name, text in (('main.cf', MAIN_CF), ('master.cf', MASTER_CF)):
        with open(os.path.join(home, name), 'w', encoding='ascii') as f:
            f.write(text.format(dir=home, port=port, lmtp=office.port('lmtp')))

    def control(word):
        return subprocess.run([postfix, '-c', home, word], capture_output=True, timeout=60,
                              check=False)

    def log():
        with open(os.path.join(home, 'log'), encoding='utf-8') as f:
            return f.read()

    started = control('start')
    assert started.returncode == 0, started
    try:
        raw = messages.plain(b'through the relay\r\n.\r\nstill\r\n', 'relayed')
        with smtplib.SMTP('127.0.0.1', port, timeout=20) as s:
            s.sendmail('x@elsewhere.test', [ANN, 'nobody@example.test', BOB], raw)
        wait_until(lambda: log().count('status=') >= 3, 30, 'Postfix delivers')
        said = log()
        for to, status in ((ANN, 'sent'), (BOB, 'sent'), ('nobody@example.test', 'bounced')):
            assert re.search(f'postfix/lmtp.*to=<{to}>.*status={status}', said), said
    finally:
        control('stop')
    for user in (ANN, BOB):
        got = office.fetch(user)
        assert len(got) == 1 and got[0].endswith(raw), got


def test_lmtp_is_for_its_clients(office):
    w = from_address('127.0.0.9', office.port('lmtp'))
    assert w.reply().startswith('220')
    w.close()
    configure(office, '\nlmtp_clients = "127.0.0.1 ::1"\n')
    w = from_address('127.0.0.9', office.port('lmtp'))
    assert w.at_end()
    wait_until(lambda: 'not-in-lmtp-clients' in office.log_tail(), 10, 'the log')
    with office.wire('lmtp') as w:
        assert w.reply().startswith('220')


def test_dsn_and_limits(office):
    with office.wire('smtp') as w:
        w.reply()
        said = w.ask('EHLO client.test')
        assert 'DSN' in said.split('\n')[-1] or 'DSN' in said, said
        assert 'LIMITS RCPTMAX=1000 MAILMAX=4' in said, said
        assert w.ask('MAIL FROM:<x@elsewhere.test> RET=HDRS ENVID=abc').startswith('250')
        assert w.ask(f'RCPT TO:<{ANN}> NOTIFY=SUCCESS ORCPT=rfc822;a+40b').startswith('250')
        assert w.ask(f'RCPT TO:<{ANN}> NOTIFY=NEVER,DELAY').startswith('501')
        for _ in range(3):
            assert w.ask('RSET').startswith('250')
            assert w.ask('MAIL FROM:<x@elsewhere.test>').startswith('250')
        assert w.ask('RSET').startswith('250')
        assert w.ask('MAIL FROM:<x@elsewhere.test>').startswith('421')
        assert w.at_end()


def test_dsn_is_kept(office):
    empty(office)
    with office.wire('smtp') as w:
        w.reply()
        w.ask('EHLO client.test')
        w.ask('MAIL FROM:<x@elsewhere.test> RET=HDRS ENVID=QQ+2B1')
        w.ask(f'RCPT TO:<{ANN}> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;ann+2Bx@example.test')
        w.ask(f'RCPT TO:<{BOB}>')
        w.ask('DATA')
        assert w.ask('Subject: x\r\n\r\nkept\r\n.').startswith('250')
    office.deliver(b'Subject: y\r\n\r\nnothing asked\r\n')

    def envelopes(user):
        return [office.json('mailbox', 'envelope', user, m['uidl'])[0]
                for m in office.json('mailbox', 'list', user)]

    def check():
        ann, bob = envelopes(ANN), envelopes(BOB)
        assert len(ann) == 2 and len(bob) == 1, (ann, bob)
        want = {'sender': 'x@elsewhere.test', 'recipient': ANN, 'client': '127.0.0.1', 'ret': 'HDRS',
                'envid': 'QQ+2B1', 'notify': 'SUCCESS,DELAY', 'orcpt': 'rfc822;ann+2Bx@example.test'}
        assert want.items() <= ann[0].items(), ann[0]
        want.update(recipient=BOB, notify='', orcpt='')
        assert want.items() <= bob[0].items(), bob[0]
        for name in ('ret', 'envid', 'notify', 'orcpt'):
            assert ann[1][name] == '', ann[1]

    check()
    office.kill()
    office.start()
    check()
    office.stop()
    office.must('fsck', '--rebuild')
    office.start()
    check()
    assert office.run('mailbox', 'envelope', ANN, 'nosuch').returncode != 0


def told(office, user):
    """What the notices in a maildrop say of each recipient."""
    said = {}
    for raw in office.fetch(user):
        assert raw.startswith(b'Return-Path: <>\r\n'), raw  # RFC 5321 4.4
        part = raw.decode().split('Content-Type: message/delivery-status')[1].split('\r\n--')[0]
        assert 'Original-Envelope-Id: QQ+1\r\n' in part, part
        for row in part.split('\r\n\r\n'):
            fields = dict(line.split(': ', 1) for line in row.split('\r\n') if ': ' in line)
            if 'Final-Recipient' in fields:
                assert fields['Original-Recipient'] == 'rfc822; who@orig.test', fields
                to = fields['Final-Recipient'].split('; ')[1]
                assert to not in said, raw
                said[to] = fields['Action']
    return said


def test_delivery_is_told(office):
    """RFC 3461 5.2.3, 5.2.7: NOTIFY=SUCCESS is answered for what ends here."""
    empty(office)
    office.must('alias', 'add', 'both@example.test', ANN, BOB)
    office.must('alias', 'add', 'one@example.test', ANN)
    with office.wire('smtp') as w:
        w.reply()
        w.ask('EHLO client.test')
        for sender, notify in ((BOB, 'SUCCESS,FAILURE'), (BOB, 'FAILURE,DELAY'), (BOB, 'NEVER'), ('', 'SUCCESS')):
            assert w.ask(f'MAIL FROM:<{sender}> ENVID=QQ+2B1').startswith('250')
            for to in (ANN, 'both@example.test', 'one@example.test'):
                reply = w.ask(f'RCPT TO:<{to}> NOTIFY={notify} ORCPT=rfc822;who@orig.test')
                assert reply.startswith('250'), reply
            w.ask('DATA')
            reply = w.ask('Subject: x\r\n\r\nhere\r\n.')
            assert reply.startswith('250'), reply
    # the four, and one notice; a second would follow it
    wait_until(lambda: len(office.json('mailbox', 'list', BOB)) == 5, 60, 'a notice')
    wait_until(lambda: not [r for r in office.json('queue', 'list') if r['sender'] == BOB], 60, 'nothing is owed')
    p = office.pop(BOB)
    for n in range(1, 6):
        if b'message/delivery-status' not in b'\n'.join(p.retr(n)[1]):
            p.dele(n)
    p.quit()
    assert told(office, BOB) == {ANN: 'delivered', 'both@example.test': 'expanded', 'one@example.test': 'delivered'}
    first = office.json('mailbox', 'list', ANN)[0]['uidl']
    events = [(e['event'], e['recipient']) for e in office.json('trace', first)]
    assert ('sender told', ANN) in events and ('goes on', ANN) not in events, events


def test_early_commands(office):
    for hello in ('EHLO', 'HELO'):
        with office.wire('smtp') as w:
            w.reply()
            w.send(f'{hello} early.test\r\nMAIL FROM:<x@elsewhere.test>\r\n')
            assert w.reply().startswith('554 5.5.0'), hello
            assert w.at_end()


def header_v2(command, family, addresses, tlvs=b''):
    return (b'\r\n\r\n\0\r\nQUIT\n' + bytes([0x20 | command, family])
            + struct.pack('!H', len(addresses) + len(tlvs)) + addresses + tlvs)


def v4(source, port):
    return socket.inet_aton(source) + socket.inet_aton('127.0.0.1') + struct.pack('!HH', port, 25)


def proxied(office, port, header, implicit=False):
    w = from_address('127.0.0.2', port)
    w.send(header)
    if implicit:
        w.start_tls(office.tls())
    return w


def test_proxy_protocol(office):
    ports = {n: extra_port(i) for i, n in enumerate(('smtp', 'pop3', 'pop3s', 'bare'))}
    configure(office, f'''
listen by-proxy {{ protocol = smtp port = {ports["smtp"]} proxy_networks = "127.0.0.2"
    address = "127.0.0.1" }}
listen pop-by-proxy {{ protocol = pop3 port = {ports["pop3"]} proxy_networks = "127.0.0.2 ::1"
    address = "127.0.0.1" }}
listen pops-by-proxy {{ protocol = pop3 port = {ports["pop3s"]} proxy_networks = "127.0.0.2"
    tls = implicit address = "127.0.0.1" }}
listen bare {{ protocol = smtp port = {ports["bare"]} address = "127.0.0.1"
    discard_ehlo = "DSN SMTPUTF8 CHUNKING LIMITS STARTTLS" }}
''')
    empty(office)
    for header, client in [
            (b'PROXY TCP4 192.0.2.9 127.0.0.1 1025 25\r\n', '[192.0.2.9]'),
            (b'PROXY TCP6 2001:db8::9 ::1 1025 25\r\n', '[IPv6:2001:db8::9]'),
            (b'PROXY UNKNOWN\r\n', '[127.0.0.2]'),
            (header_v2(1, 0x11, v4('192.0.2.10', 7), b'\x04\0\x02xx'), '[192.0.2.10]'),
            (header_v2(0, 0x00, b''), '[127.0.0.2]')]:
        with proxied(office, ports['smtp'], header) as w:
            assert w.reply().startswith('220'), header
            w.ask('EHLO client.test')
            w.ask('MAIL FROM:<x@elsewhere.test>')
            w.ask(f'RCPT TO:<{ANN}>')
            w.ask('DATA')
            assert w.ask('Subject: x\r\n\r\nproxied\r\n.').startswith('250'), header
        got = office.fetch(ANN)
        assert len(got) == 1 and f'({client})'.encode() in got[0], (client, got)
    # Who is listed must speak it, at once and correctly; who is not, must not.
    for bad in (b'EHLO client.test\r\n', b'PROXY TCP4 1.2.3 127.0.0.1 1 2\r\n', b'\r\n\r\n\0\r\nQUIX',
                header_v2(1, 0x12, v4('192.0.2.10', 7))):
        with proxied(office, ports['smtp'], bad) as w:
            assert w.at_end(), bad
    w = from_address('127.0.0.4', ports['smtp'])
    assert w.reply().startswith('220')
    assert w.ask('PROXY TCP4 192.0.2.9 127.0.0.1 1025 25').startswith('500')
    w.close()
    started = time.monotonic()
    w = proxied(office, ports['smtp'], b'PROXY TCP4 192.0.2')
    assert w.at_end() and 3 < time.monotonic() - started < 15
    # POP3, and a TLS handshake right behind the header.
    for name, implicit in (('pop3', False), ('pop3s', True)):
        with proxied(office, ports[name], b'PROXY TCP4 192.0.2.77 127.0.0.1 9 110\r\n',
                     implicit) as w:
            assert w.line().startswith(b'+OK'), name
            if implicit:
                assert w.pop(f'USER {ANN}').startswith('+OK')
                assert w.pop('PASS wrong').startswith('-ERR')
    wait_until(lambda: re.search('auth.failed.*ip=192.0.2.77', office.log_tail()), 10, 'the log')


def test_discarded_extensions(office):
    w = Wire(extra_port(3))
    w.reply()
    said = w.ask('EHLO client.test')
    for keyword in ('DSN', 'SMTPUTF8', 'CHUNKING', 'LIMITS', 'STARTTLS'):
        assert keyword not in said, said
    assert '8BITMIME' in said, said
    assert w.ask('MAIL FROM:<x@elsewhere.test> RET=FULL').startswith('555')
    w.close()


def test_xclient(office):
    empty(office)
    with office.wire('smtp') as w:
        w.reply()
        assert 'XCLIENT' not in w.ask('EHLO client.test')
        assert w.ask('XCLIENT ADDR=192.0.2.9').startswith('550')
    w = from_address('127.0.0.3', office.port('smtp'))
    w.reply()
    assert 'XCLIENT NAME ADDR PORT PROTO HELO' in w.ask('EHLO proxy.test')
    assert w.ask('XCLIENT ADDR=bogus').startswith('501')
    assert w.ask('XCLIENT ADDR=192.0.2.9 PORT=99 HELO=real.test LOGIN=ann').startswith('220')
    assert w.ask('MAIL FROM:<x@elsewhere.test>').startswith('503')
    assert '192.0.2.9' in w.ask('EHLO proxy.test')
    w.ask('MAIL FROM:<x@elsewhere.test>')
    w.ask(f'RCPT TO:<{ANN}>')
    w.ask('DATA')
    assert w.ask('Subject: x\r\n\r\nfor somebody\r\n.').startswith('250')
    assert w.ask('QUIT').startswith('221')
    got = office.fetch(ANN)
    assert b'Received: from real.test ([192.0.2.9])' in got[0], got[0][:300]
    # The limit for one address holds for the address that was told.
    wires = []
    for n in range(7):
        w = from_address('127.0.0.3', office.port('smtp'))
        assert w.reply().startswith('220')
        wires.append(w)
        said = w.ask('XCLIENT ADDR=198.51.100.7')
        assert said.startswith('220' if n < 6 else '421'), (n, said)
    for w in wires:
        w.close()


def test_pop3_xclient(office):
    w = from_address('127.0.0.4', office.port('pop3'))
    assert '[XCLIENT]' not in w.line().decode()
    assert w.pop('XCLIENT ADDR=192.0.2.55').startswith('-ERR')
    w.close()
    w = from_address('127.0.0.3', office.port('pop3'))
    assert w.line().startswith(b'+OK [XCLIENT] ')
    assert w.pop('XCLIENT ADDR=192.0.2.55 PORT=9 SESSION=x TTL=4').startswith('+OK')
    assert w.pop('STLS').startswith('+OK')
    w.start_tls(office.tls())
    assert w.pop(f'USER {ANN}').startswith('+OK')
    assert w.pop('PASS wrong').startswith('-ERR')
    wait_until(lambda: re.search('auth.failed.*ip=192.0.2.55', office.log_tail()), 10, 'the log')
    w.close()


def test_from_login_match(office):
    empty(office)
    office.must('alias', 'add', 'sales@example.test', ANN)
    good = [b'From: Ann <ann@example.test>', b'From: "Boss, bob@example.test" <sales@example.test>',
            b'from : ann (Bob <bob@example.test>) @ example.test',
            b'From: ann@example.test, Sales <sales@example.test>\r\nSender: ann@example.test',
            b'X-From: bob@example.test']
    bad = [(b'From: bob@example.test', b'From'), (b'From: Ann <x@elsewhere.test>', b'From'),
           (b'From: ann@example.test, bob@example.test', b'From'),
           (b'From: ann@example.test\r\nFROM: bob@example.test', b'From'),
           (b'From: We: ann@example.test, bob@example.test;', b'From'),
           (b'From: ann@example.test <bob@example.test>', b'From'),
           (b'From: ann', b'From'),
           (b'From: ann@example.test\r\nSender:\r\n bob@example.test', b'Sender'),
           (b'From: ' + b'ann@example.test,' * 101 + b' ann@example.test', b'From')]
    big = b'a line of a message that is longer than one packet to the store\r\n' * 3000
    for body in (b'', b'short\r\n', big):
        for header in good:
            with office.submit() as s:
                assert s.sendmail(ANN, [BOB], header + b'\r\n\r\n' + body) == {}, header
        for header, named in bad:
            with office.submit() as s:
                s.mail(ANN)
                s.rcpt(BOB)
                code, said = s.data(header + b'\r\n\r\n' + body)
                assert code == 550 and said.startswith(b'5.7.1') and named in said, (header, said)
                assert s.noop()[0] == 250
    # A message without any body or blank line is judged as well.
    with office.submit() as s:
        s.mail(ANN)
        s.rcpt(BOB)
        assert s.data(b'From: bob@example.test')[0] == 550
        assert s.sendmail(ANN, [BOB], b'From: ann@example.test') == {}
    assert len(office.fetch(BOB)) == 3 * len(good) + 1
    # What comes from outside may say what it likes.
    office.deliver(b'From: bob@example.test\r\n\r\nhello\r\n')
    assert len(office.fetch(ANN)) == 1


def log_count(office, event):
    return office.log_tail(1 << 20).count(f'event={event} ')


def test_overload(office):
    # 30 connections in all: from 24 on there is overload, below 21 it is over.
    def more(n):
        made = []
        for i in range(n):
            w = from_address(f'127.0.1.{len(wires) + i + 1}', office.port('smtp'))
            assert w.reply().startswith('220')
            made.append(w)
        return made

    wires = []
    wires += more(20)
    time.sleep(0.3)
    assert 'edge.overload ' not in office.log_tail(20000)
    wires += more(6)
    wait_until(lambda: 'event=edge.overload ' in office.log_tail(20000), 10, 'overload')
    with from_address('127.0.2.1', office.port('smtp')) as w:
        w.reply()
        assert w.ask('EHLO client.test').startswith('250')
        said = [w.ask('BOGUS')[:3] for _ in range(3)]
        assert said == ['500', '500', '421'], said
    for w in wires:
        w.close()
    wait_until(lambda: log_count(office, 'edge.overload-over') == log_count(office, 'edge.overload'), 30, 'its end')
    with office.wire('smtp') as w:
        w.reply()
        w.ask('EHLO client.test')
        assert [w.ask('BOGUS')[:3] for _ in range(4)] == ['500'] * 4


def test_overload_ends_in_every_edge(office):
    """An edge whose connections went while there was overload hears of its end without a new one."""
    def edge_of(wire):
        source, port = wire.sock.getsockname()
        peer = f'{struct.unpack("<I", socket.inet_aton(source))[0]:08X}:{port:04X}'
        with open('/proc/net/tcp', encoding='ascii') as f:
            inode = next(row.split()[9] for row in f if row.split()[2] == peer)
        for pid in office.edge_pids():
            for fd in os.listdir(f'/proc/{pid}/fd'):
                if os.readlink(f'/proc/{pid}/fd/{fd}') == f'socket:[{inode}]':
                    return pid
        raise AssertionError('nobody holds the connection')

    def close(some):
        for wire in some:
            wire.close()
            wires.remove(wire)
        time.sleep(0.3)

    wires = []
    for number in range(1, 250):
        wires.append(from_address(f'127.0.3.{number}', office.port('smtp')))
        assert wires[-1].reply().startswith('220')
        if len(wires) < 28:
            continue
        held = {}
        for wire in wires:
            held.setdefault(edge_of(wire), []).append(wire)
        few = min(held.values(), key=len)
        if len(few) <= 5 or len(held) == 1:
            break
        close(few[4:])
    else:
        raise AssertionError('the edges hold as many each')
    if len(held) > 1:
        close(few)
        close(list(wires))
    else:
        close(few)
    assert log_count(office, 'edge.overload') >= len(held)
    wait_until(lambda: log_count(office, 'edge.overload-over') == log_count(office, 'edge.overload'), 30, 'its end everywhere')
