"""fetch into other places than the own store."""

import mailbox
import os
import pty
import re
import signal
import subprocess
import time

from office import BIN, environment, wait_until
from peer import CLOSE, SILENT, Peer
from scripted_pop import Mail, ScriptedPop
from test_fetch_defects import home_of, mails


def test_maildir_and_mbox(office):
    for kind, reader in (('maildir', mailbox.Maildir), ('mboxrd', mailbox.mbox)):
        with ScriptedPop(mails(3)) as server, home_of(server) as home:
            server.mails[0].octets += b'From here\r\n>From there\r\n'
            path = os.path.join(home.dir.name, 'mail')
            home.configure(keep='delete', delivery=f'{kind}:{path}')
            row = home.fetch()
            assert (row['stored'], row['deleted']) == (3, 3) and not server.mails, row
            assert sorted(m['subject'] for m in reader(path)) == ['m0', 'm1', 'm2']
            server.mails = [Mail('later')]
            assert home.fetch()['stored'] == 1
            assert len(reader(path)) == 4 and home.subjects() == []
            if kind == 'mboxrd':
                with open(path, 'rb') as f:
                    text = f.read()
                assert b'\n>From here\n>>From there\n' in text and b'\r' not in text


def test_known_when_delivered(office):
    with ScriptedPop(mails(4)) as server, home_of(server) as home:
        path = os.path.join(home.dir.name, 'box')
        home.configure(keep='keep', pipelining='off', delivery=f'mboxrd:{path}')
        server.cut_after = 250
        assert home.run('fetch').returncode == 75
        some = len(mailbox.mbox(path))
        assert 0 < some < 4, some
        server.cut_after = None
        assert home.fetch()['stored'] == 4 - some
        assert sorted(m['subject'] for m in mailbox.mbox(path)) == ['m0', 'm1', 'm2', 'm3']


def test_a_command(office):
    with ScriptedPop(mails(3)) as server, home_of(server) as home:
        path = os.path.join(home.dir.name, 'out')
        home.configure(keep='delete', delivery=f'command:grep Subject >> {path}; test $(wc -l < {path}) -lt 3')
        done = home.run('fetch')
        assert done.returncode == 75 and b'status 1' in done.stderr and len(server.mails) == 3, done
        home.configure(keep='delete', delivery=f'command:grep Subject >> {path}')
        assert home.fetch()['deleted'] == 3 and not server.mails
        with open(path, encoding='ascii') as f:
            assert f.read().split() == 'Subject: m0 Subject: m1 Subject: m2 Subject: m2'.split()


def test_a_mail_server(office):
    for kind in ('smtp', 'lmtp'):
        with Peer(lmtp=kind == 'lmtp') as peer, ScriptedPop(mails(5)) as server, home_of(server) as home:
            server.mails[1].octets += b'bare\nlf \xe4\rcr\r\n.\r\nend\r\n'
            home.configure(keep='delete', delivery=f'{kind}://127.0.0.1:{peer.port}')
            row = home.fetch()
            assert (row['stored'], row['deleted']) == (5, 5) and not server.mails, row
            assert [(m.sender, m.recipients) for m in peer.messages] == [('', ['ann@example.test'])] * 5
            assert peer.connections == 1 and peer.messages[1].octets.endswith(
                b'\r\nbare\r\nlf \xe4\r\ncr\r\n.\r\nend\r\n'), peer.messages[1].octets
            server.mails = mails(2, 'later')
            home.configure(keep='keep', delivery=f'{kind}://localhost:{peer.port}/box@else.test')
            assert home.fetch()['stored'] == 2 and home.fetch()['stored'] == 0
            assert [m.recipients for m in peer.messages[5:]] == [['box@else.test']] * 2 and home.subjects() == []


def test_a_mail_server_without_8bit(office):
    with Peer(extensions=['SIZE 1000000']) as peer, ScriptedPop(mails(1)) as server, home_of(server) as home:
        server.mails[0].octets = 'Subject: \u00e4\r\n\r\nbody \u00e4\r\n'.encode()
        home.configure(keep='delete', delivery=f'smtp://127.0.0.1:{peer.port}')
        assert home.fetch()['stored'] == 1
        got = peer.messages[0].octets
        assert got.isascii() and b'transfer-encoding' in got.lower(), got


def test_a_mail_server_that_refuses(office):
    replies = {'RCPT': ['250 2.1.5 yes', '550 5.1.1 no', '450 4.2.1 not now', '250 2.1.5 yes']}
    with Peer(replies) as peer, ScriptedPop(mails(4)) as server, home_of(server, pipelining='off') as home:
        home.configure(keep='delete', delivery=f'smtp://127.0.0.1:{peer.port}')
        done = home.run('fetch')
        assert done.returncode == 75 and b'message 2 stays there' in done.stderr and b'5.1.1' in done.stderr, done
        assert [m.uidl for m in server.mails] == ['u-m1', 'u-m2'] and len(peer.messages) == 2
        peer.replies = {'.': [CLOSE, '250 2.0.0 yes']}
        done = home.run('fetch')
        assert done.returncode == 75 and len(server.mails) == 2, done
        assert home.fetch()['deleted'] == 2 and not server.mails


def test_a_mail_server_that_hangs_up_between(office):
    with Peer() as peer, ScriptedPop(mails(3)) as server, home_of(server, pipelining='off') as home:
        peer.replies = {'MAIL': ['250 2.1.0 yes', '421 4.3.2 bye', '250 2.1.0 yes']}
        home.configure(keep='delete', delivery=f'smtp://127.0.0.1:{peer.port}')
        assert home.run('fetch').returncode == 75 and len(peer.messages) == 1
        assert home.fetch()['deleted'] == 3 and not server.mails and len(peer.messages) == 3


def test_a_mail_server_is_interrupted(office):
    with Peer({'.': SILENT}) as peer, ScriptedPop(mails(3)) as server, home_of(server) as home:
        home.configure(keep='delete', timeout='30s', delivery=f'smtp://127.0.0.1:{peer.port}')
        child = subprocess.Popen([BIN, 'fetch', '--state', home.state], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=environment())
        try:
            wait_until(lambda: any(line == '.' for line in peer.lines) or peer.said('BDAT'), 20, 'the message is sent')
            child.send_signal(signal.SIGINT)
            time.sleep(1)
            assert child.poll() is None  # it waits for the message in hand
            child.send_signal(signal.SIGINT)
            assert child.wait(10) == 75 and len(server.mails) == 3
        finally:
            child.kill()
            child.wait()


def test_a_mail_server_elsewhere_needs_tls(office):
    with ScriptedPop(mails(1)) as server, home_of(server) as home:
        home.base.update({'allow_cleartext': 'no', 'pop3_tls': 'auto'})
        home.configure(keep='delete', delivery='smtp://192.0.2.1:25')
        assert home.run('fetch').returncode != 0 and len(server.mails) == 1


def test_places_that_are_none(office):
    with ScriptedPop(mails(2)) as server, home_of(server) as home:
        for delivery in ('mboxrd:/proc/1/nothing', 'maildir:/proc/nothing', 'mboxrd:relative', 'smtp://localhost:1',
                         'lmtp://:24', 'smtp://[::1', 'smtp://h:0', 'smtp://h:65536', 'smtp://h:x/a@b'):
            home.configure(keep='delete', delivery=delivery)
            assert home.run('fetch').returncode != 0 and len(server.mails) == 2, delivery
        home.configure(keep='delete', delivery='mboxrd:/dev/full')
        assert home.run('fetch').returncode != 0 and len(server.mails) == 2


def test_daemon(office):
    with ScriptedPop(mails(2)) as server, home_of(server) as home:
        for bad in (['--interval', '5m'], ['--daemon', '--interval', 'x'], ['--daemon', '--interval', '0s']):
            assert home.run('fetch', *bad).returncode == 64, bad
        child = subprocess.Popen([BIN, 'fetch', '--daemon', '--interval', '1s', '--state', home.state],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        try:
            assert b'2 fetched' in child.stdout.readline()
            server.mails += mails(1, 'later')
            assert b'1 fetched' in child.stdout.readline()
            server.capabilities.append('LOGIN-DELAY 4')
            child.stdout.readline()
            before = time.monotonic()
            child.stdout.readline()
            assert time.monotonic() - before > 3.9
            child.send_signal(signal.SIGTERM)
            assert child.wait(10) == 0
        finally:
            child.kill()
            child.wait()
        assert home.subjects() == ['later0', 'm0', 'm1']


def test_an_interrupt_is_no_success(office):
    """What is under way comes; a script is told that this was not all."""
    with ScriptedPop(mails(400)) as server, home_of(server, keep='delete') as home:
        server.pause = 0.02
        child = subprocess.Popen([BIN, 'fetch', '--state', home.state], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=environment())
        wait_until(lambda: len(server.said('RETR')) > 3, 20, 'some came')
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
        assert child.returncode == 75 and err.count(b'\n') == 1 and b'interrupted: the next fetch' in err, (child, err)
        server.settle()
        assert 0 < len(home.subjects()) < 400 and len(server.mails) + len(home.subjects()) == 400, out
        server.pause = 0
        home.fetch()
        assert sorted(home.subjects()) == sorted(f'm{i}' for i in range(400))


def test_progress(office):
    with ScriptedPop([Mail(f'm{i}', size=30000) for i in range(8)]) as server, home_of(server) as home:
        server.pause = 0.5
        ours, theirs = pty.openpty()
        child = subprocess.Popen([BIN, 'fetch', '--state', home.state], stdout=subprocess.PIPE, stderr=theirs,
                                 env=environment())
        os.close(theirs)
        shown = b''
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:
                break
        os.close(ours)
        child.stdout.close()
        assert child.wait(20) == 0
        assert re.search(rb'\[#+\.+\] +\d+%.*  [0-9.]+ KiB/s  \ds left', shown), shown
        assert shown.endswith(b'\r\x1b[K')


def test_nothing_new_is_one_question(office):
    with ScriptedPop(mails(200)) as server, home_of(server) as home:
        assert home.fetch()['stored'] == 200
        server.log.clear()
        begun = time.monotonic()
        assert home.fetch()['stored'] == 0
        # LIST and UIDL go together; and the end is not waited for.
        assert [line.split()[0] for line in server.log] == ['CAPA', 'USER', 'PASS', 'LIST', 'UIDL', 'QUIT'], server.log
        assert time.monotonic() - begun < 20


def test_a_maildir_in_pieces(office):
    """More than are synced at a time, a session that breaks, an interrupt: each is there once."""
    with ScriptedPop(mails(75)) as server, home_of(server) as home:
        path = os.path.join(home.dir.name, 'mail')
        home.configure(keep='keep', pipelining='off', delivery=f'maildir:{path}')
        server.cut_after = 4600
        assert home.run('fetch').returncode == 75
        some = len(os.listdir(path + '/new'))
        assert 32 < some < 75 and os.listdir(path + '/tmp') == [], some
        server.cut_after = None
        assert home.fetch()['stored'] == 75 - some
        names = os.listdir(path + '/new')
        assert len(names) == 75 and os.listdir(path + '/tmp') == []
        # The rows are lost: the names tell.
        os.rename(os.path.join(path, 'new', names[0]), os.path.join(path, 'cur', names[0] + ':2,S'))
        os.remove(os.path.join(home.state, 'store', 'remote.db'))
        assert home.fetch()['error'] == ''
        assert sorted(m['subject'] for m in mailbox.Maildir(path)) == sorted(f'm{i}' for i in range(75))
