"""Aliases that lead outside: a sender of our own on the way out, and the way back; and what senders are told."""

import datetime
import email
import email.utils
import re
import socket
import threading

from office import free_offset, wait_until

PORT = free_offset() + 25


class Peer(threading.Thread):
    """Another server on loopback: takes everything but for recipients that begin with 'no'."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.socket = socket.create_server(('127.0.0.1', port))
        self.taken = []  # (sender, recipients, octets)

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        f = connection.makefile('rwb')

        def say(text):
            f.write(text.encode() + b'\r\n')
            f.flush()

        sender, to = '', []
        say('220 peer.test ESMTP')
        for line in f:
            text = line.decode('utf-8', 'replace').strip()
            verb = text[:4].upper()
            if verb == 'EHLO':
                say('250-peer.test\r\n250 8BITMIME')
            elif verb == 'MAIL':
                sender, to = re.search(r'<(.*)>', text).group(1), []
                say('250 2.1.0 ok')
            elif verb == 'RCPT':
                address = re.search(r'<(.*)>', text).group(1)
                if address.startswith('no'):
                    say('550 5.1.1 nobody by that name')
                else:
                    to.append(address)
                    say('250 2.1.5 ok')
            elif verb == 'DATA':
                say('354 go on' if to else '554 5.5.1 nobody to send to')
                if not to:
                    continue
                octets = b''
                for line in f:
                    if line == b'.\r\n':
                        break
                    octets += line
                self.taken.append((sender, to, octets))
                say('250 2.0.0 taken')
            elif verb == 'QUIT':
                say('221 2.0.0 bye')
                break
            else:
                say('250 2.0.0 ok')
        connection.close()


OFFICE = {'config': f'route "*" {{ relay = 127.0.0.1 port = {PORT} tls = none }}\nqueue_retry = 1s\nsuppression = yes\n'}
peer = Peer(PORT)
peer.start()


def strangers_mail(office, to, sender='x@stranger.test'):
    with office.mx() as s:
        s.ehlo()
        assert s.mail(sender)[0] == 250
        code, text = s.rcpt(to)
        if code == 250:
            code, text = s.data(b'Subject: through\r\n\r\nbody\r\n')
        return code, text


def arrived(to):
    return [t for t in peer.taken if to in (a.lower() for a in t[1])]


def test_an_alias_sends_it_on_under_our_name(office):
    office.must('alias', 'add', 'away@example.test', 'ann@far.test')
    assert strangers_mail(office, 'away@example.test')[0] == 250
    wait_until(lambda: arrived('ann@far.test'), 20, 'the message at its next server')
    sender, _, octets = arrived('ann@far.test')[0]
    assert re.fullmatch(r'SRS0=[^@]+@example\.test', sender, re.I), sender
    assert b'Subject: through' in octets
    # a notice to that address goes to who sent it, also when letters changed their case
    assert strangers_mail(office, sender.upper(), '')[0] == 250
    wait_until(lambda: arrived('x@stranger.test'), 20, 'the notice at its sender')
    # nothing else does: whoever learnt the address has a way to one mailbox elsewhere
    code, text = strangers_mail(office, sender, 'spam@stranger.test')
    assert code == 550 and text.startswith(b'5.7.1'), (code, text)
    said = [e for e in office.json('explain', 'rcpt', '--from', 'spam@stranger.test', '--to', sender, '--ip', '192.0.2.1')
            if e['step'] == 'decision']
    assert said[0]['result'].startswith('550') and 'notices' in said[0]['rule'], said
    # a made up one goes nowhere
    forged = sender.replace('stranger', 'victim')
    assert strangers_mail(office, forged, '')[0] == 550


def test_a_sender_that_is_too_long_to_be_rewritten(office):
    """As lists have them: it goes on under its own name rather than not at all."""
    sender = 'bounce-' + 'x' * 95 + '@lists.stranger.test'
    assert strangers_mail(office, 'away@example.test', sender)[0] == 250
    wait_until(lambda: [t for t in arrived('ann@far.test') if t[0] == sender], 20, 'the message at its next server')


def test_an_alias_may_be_called_srs(office):
    """Only what has the form of such an address is one."""
    office.must('alias', 'add', 'SRSteam@example.test', 'team@far.test')
    assert strangers_mail(office, 'srsteam@example.test')[0] == 250
    wait_until(lambda: arrived('team@far.test'), 20, 'the message at its next server')
    assert re.fullmatch(r'SRS0=[^@]+@example\.test', arrived('team@far.test')[0][0], re.I), arrived('team@far.test')[0][0]


def test_a_notice_has_no_other_name(office):
    office.must('alias', 'add', 'nowhere@example.test', 'nobody@far.test')
    assert strangers_mail(office, 'nowhere@example.test')[0] == 250
    wait_until(lambda: len(arrived('x@stranger.test')) > 1, 20, 'a notice for the sender')
    sender, _, octets = arrived('x@stranger.test')[-1]
    assert sender == '' and b'5.1.1' in octets and b'nobody by that name' in octets


def test_the_sender_here_is_told(office):
    with office.submit() as s:
        s.ehlo()
        assert s.mail('ann@example.test')[0] == 250
        assert s.rcpt('nobody@far.test')[0] == 250
        assert s.rcpt('carl@far.test')[0] == 250
        assert s.data(b'From: <ann@example.test>\r\nSubject: two\r\n\r\ny\r\n')[0] == 250
    wait_until(lambda: arrived('carl@far.test'), 20, 'the message for carl')
    got = []
    wait_until(lambda: got.extend(office.fetch('ann@example.test')) or got, 20, 'a notice')
    assert len(got) == 1 and b'nobody@far.test' in got[0] and b'carl@far.test' not in got[0]
    assert b'multipart/report' in got[0] and b'5.1.1' in got[0]


def test_the_sender_of_held_mail_is_told(office):
    office.fetch('ann@example.test')
    with office.submit() as s:
        s.ehlo()
        assert s.mail('ann@example.test', ['HOLDFOR=1'])[0] == 250
        assert s.rcpt('nowhere@far.test', ['NOTIFY=FAILURE'])[0] == 250
        assert s.data(b'From: <ann@example.test>\r\nSubject: held\r\n\r\ny\r\n')[0] == 250
    got = []
    wait_until(lambda: got.extend(office.fetch('ann@example.test')) or got, 20, 'a notice')
    said = re.search(rb'\r\nArrival-Date: ([^\r]+)\r\nFuture-Release-Request: until;([0-9TZ:-]+)\r\n', got[0])
    assert said, got[0]
    arrived_at = email.utils.parsedate_to_datetime(said[1].decode())
    until = datetime.datetime.fromisoformat(said[2].decode().replace('Z', '+00:00'))
    assert 0 <= (until - arrived_at).total_seconds() <= 2, said


def test_held_mail_is_not_delivered_here_at_once(office):
    """RFC 4865 4.2: a mailbox of the office cannot wait, so it is refused, and not given the mail early."""
    office.fetch('bob@example.test')
    office.must('alias', 'add', 'mixed@example.test', 'bob@example.test', 'carl@far.test')
    with office.submit() as s:
        s.ehlo()
        for hold in ('HOLDFOR=3600', 'HOLDUNTIL=' + (datetime.datetime.now(datetime.timezone.utc) +
                     datetime.timedelta(hours=1)).strftime('%Y-%m-%dT%H:%M:%SZ')):
            assert s.mail('ann@example.test', [hold])[0] == 250
            for to in ('bob@example.test', 'mixed@example.test', 'postmaster@example.test'):
                code, text = s.rcpt(to)
                assert code == 550 and text.startswith(b'5.3.3'), (code, text)
            assert s.rcpt('carl@far.test')[0] == 250
            s.rset()
        assert s.mail('ann@example.test', ['HOLDUNTIL=2020-01-01T00:00:00Z'])[0] == 250
        assert s.rcpt('bob@example.test')[0] == 250
        s.rset()
        assert s.mail('ann@example.test')[0] == 250
        assert s.rcpt('bob@example.test')[0] == 250
    office.must('alias', 'del', 'mixed@example.test')


def test_held_mail_is_let_go_by_its_time_or_by_release(office):
    """RFC 4865 4: nothing that starts the queue lets it go early; who may do that says so."""
    with office.submit() as s:
        s.ehlo()
        assert s.mail('ann@example.test', ['HOLDFOR=3600'])[0] == 250
        assert s.rcpt('dora@far.test')[0] == 250
        assert s.data(b'From: <ann@example.test>\r\nSubject: held\r\n\r\ny\r\n')[0] == 250
    row = office.json('queue', 'list', '--recipient', 'dora@far.test')[0]
    for order in (['retry', '--all'], ['retry', row['id']], ['reroute', row['id'], '--to', f'relay:127.0.0.1:{PORT}']):
        office.must('queue', *order)
        now = office.json('queue', 'list', '--recipient', 'dora@far.test')
        assert [r['next'] for r in now] == [row['next']] and not arrived('dora@far.test'), (order, now)
    office.must('queue', 'release', row['id'])
    wait_until(lambda: arrived('dora@far.test'), 20, 'the message at its next server')


def test_a_loop_ends(office):
    """The next server is this office itself: the message comes back until Received lines are enough."""
    office.must('alias', 'add', 'round@example.test', 'round@far.test')
    hops = b'Received: from x by y; Sun, 22 Nov 2026 07:00:00 +0000\r\n' * 60
    with office.mx() as s:
        s.ehlo()
        s.mail('x@stranger.test')
        assert s.rcpt('round@example.test')[0] == 250
        code, text = s.data(hops + b'Subject: loop\r\n\r\nbody\r\n')
        assert code == 554 and text.startswith(b'5.4.6'), (code, text)


def test_who_does_not_exist_is_remembered_for_the_account(office):
    def rcpt(user, to='nobody@FAR.test'):
        with office.submit(user) as s:
            s.ehlo()
            assert s.mail(user)[0] == 250
            return s.rcpt(to)

    wait_until(lambda: rcpt('ann@example.test')[0] == 550, 20, 'a refusal')
    assert rcpt('ann@example.test')[1].startswith(b'5.1.1')
    assert rcpt('bob@example.test')[0] == 250
    assert rcpt('ann@example.test', 'somebody@far.test')[0] == 250
    rows = office.json('suppression', 'list')
    assert {'account': 'ann@example.test', 'recipient': 'nobody@far.test'}.items() <= rows[0].items(), rows
    office.must('suppression', 'del', 'ann@example.test', 'nobody@far.test')
    assert rcpt('ann@example.test')[0] == 250
    done = office.run('suppression', 'del', 'ann@example.test', 'nobody@far.test')
    assert done.returncode != 0 and b'may send to' in done.stderr


def test_verp(office):
    """Each recipient has a sender of its own: at the next server, in notices of ours, and when others send one."""
    office.fetch()
    ann = 'ann@example.test'
    office.must('alias', 'add', 'gone@example.test', 'verp3@far.test')
    to = ['verp1@far.test', 'verp2@far.test', 'gone@example.test', 'no1@far.test', 'no2@far.test', ann]

    def own(recipient):
        return f'ann+{recipient.replace("@", "=")}@example.test'
    with office.submit() as s:
        assert 'xverp' in (s.ehlo(), s.esmtp_features)[1]
        s.sendmail(ann, to, f'From: {ann}\r\nSubject: to each\r\n\r\nhello\r\n', mail_options=['XVERP'])
    for recipient, address in (('verp1@far.test',) * 2, ('verp2@far.test',) * 2, ('gone@example.test', 'verp3@far.test')):
        ((sender, at, _),) = wait_until(lambda a=address: arrived(a), 60, address)
        assert sender == own(recipient) and at == [address], (sender, at)
    with office.submit() as s:
        s.sendmail(ann, 'verp4@far.test', f'From: {ann}\r\nSubject: other\r\n\r\nhello\r\n', mail_options=['XVERP=-+'])
    ((sender, _, _),) = wait_until(lambda: arrived('verp4@far.test'), 60, 'other delimiters')
    assert sender == 'ann-verp4+far.test@example.test', sender
    told = []

    def notices():
        told.extend(office.fetch())
        return len(told) >= 3
    wait_until(notices, 60, 'a notice about each, and the message itself')
    told = [email.message_from_bytes(m) for m in told]
    assert sorted(m['To'] or '' for m in told) == ['', f'<{own("no1@far.test")}>', f'<{own("no2@far.test")}>'], told
    for m in told:
        text = m.as_string().split('Subject: to each')[0]
        assert m['To'] is None or ('no1@far' in text.replace(own('no1@far.test'), '')) != (
            'no2@far' in text.replace(own('no2@far.test'), '')), text
    assert strangers_mail(office, own('verp1@far.test'), '')[0] == 250
    wait_until(office.fetch, 60, 'it comes back to who sent it')
