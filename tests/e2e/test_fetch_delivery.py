"""fetch into other places than the own store."""

import mailbox
import os
import signal
import subprocess
import time

from office import BIN, environment
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


def test_places_that_are_none(office):
    with ScriptedPop(mails(2)) as server, home_of(server) as home:
        for delivery in ('mboxrd:/proc/1/nothing', 'maildir:/proc/nothing', 'mboxrd:relative', 'smtp://localhost:1'):
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
