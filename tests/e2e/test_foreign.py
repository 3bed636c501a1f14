"""fetch, and the check of the laboratory, against the POP3 servers of others."""

import json
import os
import poplib

from foreign_pop import Courier, Cyrus, Dovecot, Mailutils, Popa3d
from office import PASSWORD
from test_fetch_defects import home_of
from test_lab import bad, check, seen

COUNT = 20

# What each of them is known for: doc/pop3-servers.md.
KNOWN = {
    Dovecot: {'lock'},
    Courier: {'resp-codes', 'auth-code', 'lock', 'login-delay', 'number-odd', 'stls-injection'},
    Cyrus: {'user-name', 'lock'},
    Mailutils: {'answers', 'long-line', 'size', 'top-lines', 'dele'},
    Popa3d: {'capa', 'auth-code', 'lock', 'pipelining'},
}


def mail(n):
    return (f'From: Ann <ann@example.test>\r\nSubject: m{n:02}\r\nMessage-ID: <m{n}@x>\r\n'
            f'\r\n.dot\r\n..\r\nline {n}\r\n' + 'z' * 70 + '\r\n').encode()


def count_on(server):
    pop = poplib.POP3('127.0.0.1', server.port('pop3'), timeout=30)
    pop.user('ann')
    pop.pass_(PASSWORD)
    count = pop.stat()[0]
    pop.quit()
    return count


def check_of(server):
    return check(server, '--write', '--timeout', '15s', '--ca-file', server.path('peer.pem'),
                 tls='starttls' if server.stls else 'none', user='ann', secret='office')


def checks(server):
    rows = check_of(server)
    assert bad(rows) - {'cleartext'} == KNOWN[type(server)], seen(rows)
    assert count_on(server) == COUNT


def fetches(server):
    with home_of(server, user='ann', timeout='20s') as home:
        row = home.fetch()
        assert (row['stored'], row['on_server']) == (COUNT, COUNT), row
        row = home.fetch()
        assert (row['stored'], row['on_server']) == (0, COUNT), row
        home.configure(user='ann', timeout='20s', keep='delete')
        row = home.fetch()
        assert (row['stored'], row['deleted']) == (0, COUNT), row
        assert count_on(server) == 0 and home.subjects() == [f'm{n:02}' for n in range(COUNT)]
        newest = max(json.loads(home.must('list', '--json')), key=lambda m: m['subject'])
        folder = os.path.join(home.dir.name, 'saved')
        os.mkdir(folder)
        home.must('save', str(newest['id']), folder)
        with open(os.path.join(folder, os.listdir(folder)[0]), 'rb') as f:
            body = f.read().replace(b'\r\n', b'\n').split(b'\n\n', 1)[1]
        assert body == mail(COUNT - 1).replace(b'\r\n', b'\n').split(b'\n\n', 1)[1], body


def both(kind):
    with kind(map(mail, range(COUNT))) as server:
        checks(server)
        fetches(server)


def test_dovecot(office):
    both(Dovecot)


def test_courier(office):
    both(Courier)


def test_cyrus(office):
    both(Cyrus)


def test_mailutils(office):
    both(Mailutils)


def test_popa3d(office):
    both(Popa3d)
