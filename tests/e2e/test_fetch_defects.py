"""fetch against servers that are broken or hostile.  No office of the runner is needed: the peer is a script."""

import json
import os

from scripted_pop import Mail, ScriptedPop
from test_fetch import Home


def mails(count, prefix='m'):
    return [Mail(f'{prefix}{i}') for i in range(count)]


def home_of(server, **settings):
    home = Home(server, **settings)
    home.base.update({'pop3_host': '127.0.0.1', 'pop3_tls': 'none', 'allow_cleartext': 'yes', 'ca_file': '',
                      'timeout': '3s'})
    home.configure(**settings)
    return home


def summary(done):
    return json.loads(done.stdout)[0]


def test_uidls_that_changed(office):
    with ScriptedPop(mails(12)) as server, home_of(server) as home:
        assert home.fetch()['stored'] == 12
        for m in server.mails:
            m.uidl = 'new-' + m.uidl
        server.mails.append(Mail('really-new'))
        done = home.run('fetch', '--json')
        row = summary(done)
        assert b'changed its UIDLs' in done.stderr and (row['recognised'], row['stored']) == (12, 1), done
        assert len(home.subjects()) == 13
        before = len(server.said('TOP'))
        assert home.fetch()['stored'] == 0 and len(server.said('TOP')) == before


def test_changed_beyond_recognition(office):
    with ScriptedPop(mails(12)) as server, home_of(server) as home:
        home.fetch()
        server.mails = mails(12, 'other')
        done = home.run('fetch')
        assert done.returncode == 78 and b'--yes' in done.stderr, done
        assert len(home.subjects()) == 12
        assert home.fetch('--yes')['stored'] == 12


def test_no_uidl(office):
    for top in (True, False):
        with ScriptedPop(mails(4) + mails(1)) as server, home_of(server) as home:
            server.capabilities = ['USER'] + ['TOP'] * top
            server.answers['UIDL'] = '-ERR what?\r\n'
            if not top:
                server.answers['TOP'] = '-ERR what?\r\n'
            done = home.run('fetch')
            assert done.returncode == 77 and b'keep = delete' in done.stderr and not server.said('RETR'), done
            home.configure(keep='delete')
            row = home.fetch()
            assert (row['stored'], row['deleted']) == (5, 5), row
            assert home.subjects() == ['m0', 'm0', 'm1', 'm2', 'm3'] and not server.mails


def test_the_same_uidl_twice(office):
    with ScriptedPop([Mail('a', 'same'), Mail('b', 'same'), Mail('c')]) as server, home_of(server) as home:
        assert home.fetch()['stored'] == 3
        assert home.subjects() == ['a', 'b', 'c']
        server.mails.append(Mail('d', 'same'))
        assert home.fetch()['stored'] == 1
        del server.mails[0]
        assert home.fetch()['stored'] == 0
        assert home.subjects() == ['a', 'b', 'c', 'd']


def test_uidls_given_to_others(office):
    """A server that numbers its messages anew, against RFC 1939 7: what has an old UIDL is not deleted unseen."""
    def numbered(*names):
        return [Mail(name, str(n)) for n, name in enumerate(names, 1)]

    for top in (True, False):
        with ScriptedPop(numbered('a', 'b')) as server, home_of(server, keep='delete') as home:
            if not top:
                server.capabilities.remove('TOP')
                server.answers['TOP'] = '-ERR what?\r\n'
            assert home.fetch()['deleted'] == 2
            server.mails = numbered('c', 'd') if top else numbered('longer', 'longest')
            done = home.run('fetch', '--json')
            row = summary(done)
            assert b'gave to others before' in done.stderr and (row['stored'], row['deleted']) == (2, 2), done
            assert home.subjects() == ['a', 'b'] + (['c', 'd'] if top else ['longer', 'longest'])
            server.mails = numbered('a')  # the same message: the first QUIT was not heeded, say
            row = home.fetch()
            assert (row['stored'], row['deleted']) == (0, 1) and len(home.subjects()) == 4, row
    with ScriptedPop(numbered('a', 'b')) as server, home_of(server) as home:
        home.fetch()
        server.mails = numbered('a', 'another')
        assert home.fetch()['stored'] == 1 and home.fetch()['stored'] == 0
        assert home.subjects() == ['a', 'another', 'b']
        home.configure(keep='delete')
        row = home.fetch()
        assert (row['stored'], row['deleted']) == (0, 2) and len(home.subjects()) == 3, row
    with ScriptedPop(numbered('a')) as server, home_of(server, keep='delete') as home:
        to = os.path.join(home.dir.name, 'Maildir')
        home.configure(keep='delete', delivery=f'maildir:{to}')
        assert home.fetch()['deleted'] == 1
        server.mails = numbered('b')
        assert home.fetch()['deleted'] == 1 and len(os.listdir(to + '/new')) == 2


def test_the_rest_of_another(office):
    with ScriptedPop([Mail('a', '1', size=5000)]) as server, home_of(server, skip_size='1000') as home:
        assert home.fetch()['stubs'] == 1
        wanted = json.loads(home.run('list', '--json').stdout)[0]['id']
        rightful, server.mails = server.mails, [Mail('b', '1', size=5000)]
        done = home.run('fetch', '--full', wanted)
        assert done.returncode == 67 and b'has this message no more' in done.stderr, done
        assert home.subjects() == ['a'] and not server.said('RETR')
        server.mails = rightful
        assert home.run('fetch', '--full', wanted).returncode == 0
        assert home.subjects() == ['a'] and server.said('RETR')


def test_headers_that_change(office):
    """A server that writes into a message that it was read: it is the same one."""
    with ScriptedPop(mails(3)) as server, home_of(server) as home:
        assert home.fetch()['stored'] == 3
        for m in server.mails:
            m.octets = b'Status: RO\r\n' + m.octets
        assert home.fetch()['stored'] == 0
        home.configure(keep='delete')
        row = home.fetch()
        assert (row['stored'], row['deleted']) == (0, 3) and len(home.subjects()) == 3, row


def test_sizes_that_are_wrong(office):
    with ScriptedPop(mails(3)) as server, home_of(server) as home:
        server.list_size = lambda m: 1 if 'm1' in m.uidl else 99999999
        row = home.fetch()
        assert (row['stored'], row['octets']) == (3, sum(len(m.octets) for m in server.mails)), row


def test_listings(office):
    with ScriptedPop(mails(30)) as server, home_of(server) as home:
        server.backwards = True
        assert home.fetch()['stored'] == 30
        server.answers['LIST'] = '+OK\r\n1 100 octets\r\nx\r\n-1 7\r\n\r\n0 1\r\n2 3\r\n2 3\r\n.\r\n'
        row = home.fetch()
        assert (row['on_server'], row['stored']) == (2, 0), row


def test_without_top(office):
    with ScriptedPop([Mail('small'), Mail('large', size=9000)]) as server, home_of(server, skip_size=5000) as home:
        server.capabilities.remove('TOP')
        done = home.run('fetch', '--json')
        assert summary(done)['stored'] == 1 and b'no TOP' in done.stderr and done.returncode == 0, done
        server.capabilities = []  # and one that does not say what it can
        server.answers.update(CAPA='-ERR\r\n', TOP='-ERR\r\n')
        done = home.run('fetch', '--json')
        assert summary(done)['stored'] == 0 and b'no TOP' in done.stderr and done.returncode == 0, done


def test_pipelining_that_loses_commands(office):
    with ScriptedPop(mails(10)) as server, home_of(server) as home:
        server.eats_pipelined = True
        done = home.run('fetch', '--json')
        assert done.returncode == 0 and b'without pipelining' in done.stderr, done
        assert summary(done)['stored'] == 10


def test_cut_anywhere(office):
    """What came is stored and known; the next session fetches the rest, nothing twice."""
    with ScriptedPop(mails(6)) as server, home_of(server, keep='delete', pipelining='off') as home:
        for cut in (3, 60, 150, 200, 215, 240, 300, 333, 390, 420):
            server.cut_after = cut
            done = home.run('fetch', '--json')
            assert done.returncode == 75 or not server.mails, (cut, done)
            names = home.subjects()
            assert len(names) == len(set(names)), (cut, names)
            assert {*names, *(m.octets.split()[1].decode() for m in server.mails)} == {f'm{i}' for i in range(6)}
            if not server.mails:
                break
        server.cut_after = None
        before = len(server.said('RETR'))
        row = home.fetch()
        assert home.subjects() == [f'm{i}' for i in range(6)] and not server.mails, row
        assert len(server.said('RETR')) - before == row['stored'] < 6


def test_long_uidls(office):
    """reliability.md 58, 59: the UIDL is nothing that may go into a path, a query or a fixed buffer."""
    uidls = ['a' * 70, 'b' * 71, 'c' * 250, '../../../etc/x', "';--", '%n%s', '"', 'x' * 1000000, 'with\0nul', '']
    with ScriptedPop([Mail(f'm{i}', u) for i, u in enumerate(uidls)]) as server, home_of(server) as home:
        assert home.fetch()['stored'] == len(uidls)
        assert home.fetch()['stored'] == 0
        assert len(home.subjects()) == len(uidls)


def test_long_and_odd_texts(office):
    """reliability.md 64, 65"""
    for text in (b'%n%s\x1b[31m\x07' + b'A' * 1000000, b'B' * 3000000):
        with ScriptedPop(mails(2)) as server, home_of(server) as home:
            server.answers['RETR'] = b'-ERR ' + text + b'\r\n'
            done = home.run('fetch')
            assert done.returncode in (69, 75) and b'\x1b' not in done.stderr and len(done.stderr) < 3000, done
    with ScriptedPop(mails(2)) as server, home_of(server) as home:
        server.greeting = b'+OK ' + b'x' * 5000000  # and no line end
        assert home.run('fetch').returncode in (69, 75)


def test_empty(office):
    with ScriptedPop() as server, home_of(server) as home:
        assert home.fetch()['on_server'] == 0


def test_no_password_without_tls(office):
    """reliability.md 2-5: nothing but TLS makes it say who it is."""
    stripped = ({'CAPA': '+OK\r\nUSER\r\n.\r\n', 'STLS': '-ERR no\r\n'}, {'STLS': '-ERR no\r\n'}, {'STLS': 'garbage\r\n'},
                {'CAPA': '-ERR\r\n', 'STLS': '+OK\r\n+OK injected\r\n'}, {'STLS': '+OK\r\n+OK injected\r\n+OK\r\n'},
                {'STLS': '+OK\r\n'}, {'CAPA': 'garbage\r\n'})
    for answers in stripped:
        with ScriptedPop(mails(1)) as server, home_of(server, pop3_tls='starttls', timeout='2s',
                                                      ca_file='/etc/ssl/certs/ca-certificates.crt') as home:
            server.capabilities.append('STLS')
            server.answers.update(answers)
            done = home.run('fetch', timeout=20)
            assert done.returncode in ((69,) if answers is stripped[0] else (69, 75, 77)), (answers, done)
            assert not [x for x in server.log if x.split()[:1] in (['USER'], ['PASS'], ['AUTH'], ['APOP'])], server.log
    for greeting in ('-ERR busy\r\n', 'HTTP/1.1 400\r\n', '\0\r\n'):
        with ScriptedPop(mails(1)) as server, home_of(server) as home:
            server.greeting = greeting
            assert home.run('fetch').returncode in (69, 75) and not server.said('USER'), greeting


def test_no_room(office):
    """All that is there does not come in vain: after the first one only what is smaller is asked for."""
    with ScriptedPop([Mail(f'm{i}', size=9000) for i in range(400)]) as server, home_of(server, keep='delete') as home:
        home.must('fetch', '--dry-run')
        home.must('account', 'set', 'home@remote', '--quota-messages', '5')
        for _ in range(2):
            before = len(server.said('RETR'))
            done = home.run('fetch', '--json')
            row = summary(done)
            assert done.returncode == 75 and b'quota' in done.stderr, done
            assert (row['stored'] + row['failed'], row['error']) == (row['new'], ''), done
            assert len(server.said('RETR')) - before < 100, len(server.said('RETR')) - before
            lines = done.stderr.decode().strip().split('\n')
            assert len(lines) == 2 and f"no room for {row['failed'] - 1} more" in lines[1], done
        assert len(home.subjects()) == 5 and len(server.mails) == 395
        home.must('account', 'set', 'home@remote', '--quota-messages', 'none')
        assert home.fetch()['deleted'] == 395 and len(home.subjects()) == 400


def test_filter(office):
    with ScriptedPop(mails(3) + [Mail('spam'), Mail('large', size=9000)]) as server, home_of(server) as home:
        script = os.path.join(home.dir.name, 'filter')
        with open(script, 'w', encoding='ascii') as f:
            f.write('#!/bin/sh\nh=$(cat)\ncase "$h" in *spam*) exit 1;; *large*) exit 2;; esac\nexit 0\n')
        os.chmod(script, 0o700)
        home.configure(filter=script)
        row = home.fetch()
        assert (row['stored'], row['deleted']) == (3, 1), row
        assert len(server.said('RETR')) == 3 and len(server.mails) == 4
        home.configure(filter='exit 77')
        done = home.run('fetch')
        assert done.returncode == 75 and b'77' in done.stderr and len(server.mails) == 4, done
