"""send: first into the queue, then to the provider.  The provider is another office of ours, or plays one."""

import json
import os
import socket
import subprocess
import threading

from office import BIN, PASSWORD, environment
from test_fetch import USER, Home

TO = 'bob@example.test'
MAIL = 'To: Bob <bob@example.test>\nCc: ann@example.test\nBcc: bob@example.test\nSubject: {}\n\nGrüße\n.\nend\n'


def send(home, text, *words):
    return subprocess.run([BIN, 'send', *words, '--state', home.state], input=text.encode(), capture_output=True,
                          timeout=60, check=False, env=environment())


def customer(provider, **settings):
    return Home(provider, **{'smtp_host': 'localhost', 'smtp_port': provider.port('submissions'),
                             'smtp_tls': 'implicit', **settings})


def outbox(home):
    return json.loads(home.must('send', '--outbox', '--json'))


def test_sends_at_once(office):
    with customer(office) as home:
        done = send(home, MAIL.format('one'), '-a', 'home', '-t', '-i')
        assert (done.returncode, done.stdout, done.stderr) == (0, b'', b''), done
        assert outbox(home) == []
        text = office.fetch_one(TO)
        assert b'Subject: one\r\n' in text and b'From: ann@example.test\r\n' in text, text
        assert b'\r\n.\r\nend\r\n' in text and 'Grüße'.encode() in text and b'Bcc' not in text, text
        assert b'Subject: one\r\n' in office.fetch_one(USER)


def test_waits_and_is_sent_later(office):
    with customer(office, smtp_port=1) as home:
        done = send(home, MAIL.format('two'), '-f', USER, TO)
        assert done.returncode == 0 and b'bob@example.test waits: ' in done.stderr, done
        rows = outbox(home)
        assert [(r['recipient'], r['state'], r['attempts'], r['sender']) for r in rows] == [
            (TO, 'waiting', 1, USER)], rows
        done = home.run('send', '--run')
        assert done.returncode == 75 and outbox(home)[0]['attempts'] == 2, done
        home.configure(smtp_port=office.port('submissions'), smtp_host='localhost', smtp_tls='implicit')
        home.must('send', '--run')
        assert outbox(home) == []
        assert b'Subject: two\r\n' in office.fetch_one(TO)
        home.must('send', '--run')
        assert office.fetch(TO) == []


def test_a_remote_that_is_gone(office):
    with customer(office, smtp_port=1) as home:
        send(home, MAIL.format('gone'), TO)
        path = os.path.join(home.state, 'restante.conf')
        with open(path, encoding='utf-8') as f:
            text = f.read()
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text.replace('remote home {', 'remote other {'))
        done = home.run('send', '--run')
        assert done.returncode == 75 and b'is not in restante.conf any more' in done.stderr, done
        assert [r['state'] for r in outbox(home)] == ['waiting']


def test_wrong_password_and_no_tls(office):
    with customer(office) as home:
        with open(os.path.join(home.state, 'secret'), 'w', encoding='ascii') as f:
            f.write('wrong\n')
        done = send(home, MAIL.format('three'), '-t')
        assert done.returncode == 0 and b'refuses user or password' in done.stderr, done
        with open(office.log, encoding='utf-8', errors='replace') as f:
            assert sum('event=auth.failed' in line for line in f) == 1, 'one wrong password is one failed login'
        assert {r['state'] for r in outbox(home)} == {'waiting'}
        home.configure(smtp_host='localhost', smtp_port=office.port('submission'), smtp_tls='none')
        done = home.run('send', '--run')
        assert done.returncode == 78 and b'without TLS the password' in done.stderr, done


def test_what_is_wrong_is_told(office):
    with customer(office) as home:
        for words, text, code, told in (
                ((TO,), '', 65, b'no message on standard input'),
                ((), 'Subject: x\n\nx\n', 64, b'no recipients'),
                (('nobody',), 'x\n\nx\n', 64, b'nobody is no address'),
                (('-f', 'x y', TO), 'x\n', 64, b'is no address'),
                (('-t',), 'To: a b c <\n\nx\n', 65, b'what is no address'),
                (('-a', 'office', TO), 'x\n', 78, b'no remote office'),
                (('--run', TO), 'x\n', 64, b'only one of')):
            done = send(home, text, *words)
            assert done.returncode == code and told in done.stderr and done.stderr.count(b'\n') == 1, (words, done)
        assert outbox(home) == []


def test_serverinfo(office):
    with customer(office) as home:
        text = home.must('send', '--serverinfo').decode()
        assert f'server  localhost port {office.port("submissions")}' in text, text
        assert 'as ann@example.test' in text and 'offers  PIPELINING' in text, text
        where = '--host', 'localhost', f'--port={office.port("submissions")}', '--tls=implicit'
        asked = home.must('send', '-S', *where, '--ca-file', office.ca).decode()
        assert 'offers  AUTH' in asked and 'login' not in asked, asked
        pem = subprocess.run(['openssl', 'x509', '-in', office.ca, '-noout', '-fingerprint', '-sha256'], check=True,
                             capture_output=True).stdout.decode()
        for shown in (text, asked):
            told = dict(line.split(None, 1) for line in shown.splitlines() if not line.startswith('offers'))
            assert told['TLS'].startswith('TLSv1.3'), shown
            assert told['SHA-256'].replace(':', '').lower() == pem.split('=')[1].strip().replace(':', '').lower(), shown
        told = json.loads(home.must('send', '-S', '--json'))
        assert (told['server'], told['port'], told['user']) == ('localhost', office.port('submissions'), USER), told
        assert told['tls']['version'] == 'TLSv1.3' and told['login'].startswith('SCRAM-'), told
        assert 'PIPELINING' in told['offers'], told
        assert home.run('send', '-S', *where).returncode == 77  # nobody vouches for it
        done = home.run('send', *where, TO)
        assert done.returncode == 64 and b'--host goes with --serverinfo' in done.stderr, done


def test_what_scripts_say(office):
    """Options of sendmail and msmtp: taken, or without a meaning here, or refused by name."""
    with customer(office) as home:
        plain = 'To: bob@example.test\nSubject: {}\n\nx\n'
        done = send(home, plain.format('s1'), '-oi', '-oem', '-v', '-n', '-bm', '-B8BITMIME', '-F', 'Ann "A" B', '-t',
                    '-r', USER, '-N', 'success,failure', '-Rhdrs')
        assert (done.returncode, done.stdout, done.stderr) == (0, b'', b''), done
        text = office.fetch_one(TO)
        assert b'From: "Ann \\"A\\" B" <ann@example.test>\r\n' in text and b'Subject: s1\r\n' in text, text
        home.configure(smtp_port=1)
        done = send(home, plain.format('s2'), '-t', '-P')
        assert (done.returncode, done.stderr) == (0, b''), done
        told = dict(line.split(None, 1) for line in done.stdout.decode().splitlines())
        assert (told['remote'], told['from'], told['to']) == ('home', f'<{USER}>', f'<{TO}>'), told
        told = json.loads(send(home, plain.format('s2'), '-t', '-P', '--json').stdout)
        assert (told['remote'], told['from'], told['to']) == ('home', USER, [TO]), told
        assert outbox(home) == [], outbox(home)
        for words, told in ((('-N', 'sometimes', TO), b'--dsn-notify: sometimes'), (('-R', 'x', TO), b'--dsn-return: x'),
                            (('-C', 'rc', TO), b'no option -C'), (('-bs',), b'no option -bs')):
            done = send(home, plain.format('s3'), *words)
            assert done.returncode == 64 and told in done.stderr and done.stderr.count(b'\n') == 1, done


def test_notices_are_asked_for(office):
    peer, home = played(office, {'EHLO': '250-x\r\n250-DSN\r\n250 AUTH PLAIN'})
    with home:
        assert send(home, MAIL.format('dsn'), '-N', 'never', '-R', 'full', TO).returncode == 0
        assert any(line.startswith(b'RCPT') and b'NOTIFY=NEVER' in line for line in peer.lines), peer.lines
        assert any(line.startswith(b'MAIL') and b'RET=FULL' in line for line in peer.lines), peer.lines
    peer.close()


def test_a_server_sends(office):
    """The queue is the server's as soon as one runs."""
    office.must('domain', 'list')
    with open(office.path('restante.conf'), 'a', encoding='utf-8') as f:
        f.write('remote home { address = "ann@example.test" }\n')
    done = office.run('send', TO, stdin=MAIL.format('six').encode())
    assert (done.returncode, done.stderr) == (0, b''), done
    rows = json.loads(office.must('send', '--outbox', '--json'))
    assert [r['recipient'] for r in rows] in ([TO], []), rows
    office.must('send', '--run')


class Peer(threading.Thread):
    """A provider that says what it is told to; replies by verb."""

    def __init__(self, replies):
        super().__init__(daemon=True)
        self.replies, self.mails, self.lines = replies, [], []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with sock, sock.makefile('rwb') as f:
                f.write(b'220 here\r\n')
                f.flush()
                self.talk(f)

    def talk(self, f):
        for line in f:
            self.lines.append(line)
            verb = line.split()[0].upper().decode()
            if verb == 'DATA':
                f.write(b'354 go\r\n')
                f.flush()
                lines = []
                while not lines or lines[-1] not in (b'.\r\n', b''):
                    lines.append(f.readline())
                self.mails.append(b''.join(lines[:-1]))
                verb = 'END'
            reply = self.replies.get(verb, {'EHLO': '250-x\r\n250 AUTH PLAIN', 'AUTH': '235 yes'}.get(verb, '250 ok'))
            if reply is None:
                return
            f.write(reply.encode() + b'\r\n')
            f.flush()

    def close(self):
        self.listener.close()


def played(office, replies):
    peer = Peer(replies)
    return peer, customer(office, smtp_host='127.0.0.1', smtp_port=peer.port, smtp_tls='none', allow_cleartext='yes')


def test_refused_is_told(office):
    peer, home = played(office, {'RCPT': '550 5.1.1 nobody\x1b[2J here'})
    with home:
        done = send(home, MAIL.format('four'), TO)
        assert done.returncode == 69 and b'is refused: 550 5.1.1 nobody' in done.stderr, done
        assert b'\x1b' not in done.stderr, done
        assert [(r['state'], r['notice']) for r in outbox(home)] == [('failed', True)], outbox(home)
        # it is not tried again
        before = len(peer.mails)
        home.must('send', '--run')
        assert len(peer.mails) == before
    peer.close()


def test_cut_after_the_dot_and_seven_bit(office):
    peer, home = played(office, {'END': None})
    with home:
        done = send(home, MAIL.format('five'), TO)
        assert done.returncode == 0 and b'waits: ' in done.stderr, done
        assert b'R3LDvMOfZQ0K' in peer.mails[0] and peer.mails[0].isascii(), peer.mails
        assert outbox(home)[0]['state'] == 'waiting'
    peer.close()
