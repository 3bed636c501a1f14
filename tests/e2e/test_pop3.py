"""POP3 as RFC 1939 has it, over a real maildrop."""

import poplib
import threading

import messages
from office import PASSWORD, added

ANN = 'ann@example.test'


def fill(office, count, to=ANN):
    raws = [messages.plain(b'line %d\r\n' % n * n, f'number {n}') for n in range(1, count + 1)]
    for raw in raws:
        office.deliver(raw, to)
    return raws


def login(office, user=ANN):
    return office.pop_wire(user)


def uidls(office, user=ANN):
    p = office.pop(user)
    rows = [r.split()[1].decode() for r in p.uidl()[1]]
    p.quit()
    return rows


def test_greeting_and_capabilities(office):
    with office.wire('pop3') as w:
        assert w.line().startswith(b'+OK')
        assert w.pop('CAPA').startswith('+OK')
        before = {c.decode().upper() for c in w.multi()}
        assert {'TOP', 'UIDL', 'PIPELINING', 'RESP-CODES', 'AUTH-RESP-CODE', 'STLS'} <= before, before
    with office.wire('pop3s') as w:
        w.line()
        w.pop('CAPA')
        tls = {c.decode().upper() for c in w.multi()}
        assert 'USER' in tls and 'STLS' not in tls, tls
        assert any(c.startswith('SASL ') for c in tls), tls
        assert all(len(c) <= 510 for c in tls)


def test_one_session_a_maildrop(office):
    with login(office) as first:
        for _ in range(2):
            try:
                office.pop(ANN)
                raise RuntimeError('a second session was let in')
            except poplib.error_proto as error:
                assert '[IN-USE]' in str(error), error
        assert first.pop('NOOP').startswith('+OK')
        with login(office, 'bob@example.test') as other:
            assert other.pop('QUIT').startswith('+OK')
        assert first.pop('QUIT').startswith('+OK')
    office.pop(ANN).quit()


def test_the_lock_dies_with_the_connection(office):
    for _ in range(20):  # each meets the one before
        login(office).close()
    office.pop(ANN).quit()


def test_a_login_waits_for_the_session_before(office):
    with login(office) as first:
        closing = threading.Timer(0.2, first.close)
        closing.start()
        office.pop(ANN).quit()
        closing.join()


def test_numbers_stay(office):
    raws = fill(office, 5)
    with login(office) as w:
        assert w.pop('STAT').split()[1] == '5'
        assert w.pop('DELE 2').startswith('+OK')
        assert w.pop('STAT').split()[1] == '4'
        for command in ('RETR 2', 'LIST 2', 'UIDL 2', 'DELE 2', 'TOP 2 0', 'RETR 0', 'RETR 6',
                        'RETR -1', 'RETR 4294967297', 'RETR 18446744073709551617', 'RETR x', 'RETR',
                        'TOP 1', 'TOP 1 -1', 'LIST 1 1', 'DELE'):
            assert w.pop(command).startswith('-ERR'), command
        assert w.pop('LIST').startswith('+OK')
        listed = [int(line.split()[0]) for line in w.multi()]
        assert listed == [1, 3, 4, 5], listed
        assert w.pop('UIDL').startswith('+OK')
        assert [int(line.split()[0]) for line in w.multi()] == [1, 3, 4, 5]
        assert w.pop('RETR 3').startswith('+OK')
        added(b''.join(line + b'\r\n' for line in w.multi()), raws[2])
        assert w.pop('RSET').startswith('+OK')
        assert w.pop('STAT').split()[1] == '5'
        assert w.pop('QUIT').startswith('+OK')


def test_top_counts_body_lines(office):
    with login(office) as w:
        w.pop('LIST')
        last = len(w.multi())
        w.pop(f'RETR {last}')
        whole = w.multi()
        blank = whole.index(b'')
        for n in (0, 1, 3, 1000):
            assert w.pop(f'TOP {last} {n}').startswith('+OK')
            assert w.multi() == whole[:blank + 1 + n], n
        w.pop('QUIT')


def test_a_lost_connection_deletes_nothing(office):
    before = uidls(office)
    w = login(office)
    assert w.pop('DELE 1').startswith('+OK')
    w.close()
    assert uidls(office) == before


def test_quit_deletes(office):
    before = uidls(office)
    with login(office) as w:
        assert w.pop('DELE 1').startswith('+OK')
        assert w.pop('DELE 3').startswith('+OK')
        assert w.pop('QUIT').startswith('+OK')
        assert w.at_end()
    assert uidls(office) == [before[1]] + before[3:]


def test_uidls_survive_restart_and_rebuild(office):
    before = uidls(office)
    assert before and len(set(before)) == len(before)
    office.stop()
    office.start()
    assert uidls(office) == before
    office.must('fsck', '--rebuild')
    assert uidls(office) == before
    office.stop()
    office.must('fsck', '--rebuild')
    office.must('fsck')
    office.start()
    assert uidls(office) == before
    # What was deleted does not come back, and its name is never given again.
    p = office.pop(ANN)
    p.dele(1)
    p.quit()
    office.must('fsck', '--rebuild')
    fill(office, 2)
    after = uidls(office)
    assert before[0] not in after and after[:len(before) - 1] == before[1:], (before, after)


def test_pipelined_session(office):
    with office.wire('pop3s') as w:
        w.line()
        w.send(f'USER {ANN}\r\nPASS {PASSWORD}\r\nSTAT\r\nLIST\r\nRETR 1\r\nNOOP\r\nQUIT\r\n')
        for _ in range(4):
            assert w.line().startswith(b'+OK')
        assert w.multi()
        assert w.line().startswith(b'+OK')
        assert w.multi()
        assert w.line().startswith(b'+OK')
        assert w.line().startswith(b'+OK')
        assert w.at_end()


def test_any_order_and_many_at_once(office):
    """What is read ahead for one command must not come out for another."""
    office.fetch(ANN)
    office.fetch('bob@example.test')
    raws = fill(office, 40)
    dots = messages.plain(b'.dots\r\n..more\r\n', 'dots')
    big = messages.plain(b'big line of a message\r\n' * 20000, 'big')
    for raw in (dots, raws[5], big, raws[9]):
        office.deliver(raw, 'bob@example.test')

    def retr(w, want):
        assert w.line().startswith(b'+OK')
        added(b'\r\n'.join(w.multi()) + b'\r\n', want)

    with login(office) as w, login(office, 'bob@example.test') as bob:
        order = [1, 2, 3, 9, 4, 5, 6, 7, 8, 9, 10, 12, 11, 1, 2, 2, 3, 40, 39, 1, 2, 3, 4]
        for n in order:
            w.send(b'RETR %d\r\n' % n)
            retr(w, raws[n - 1])
        w.send(b''.join(b'RETR %d\r\n' % n for n in order))
        bob.send(b'RETR 1\r\nRETR 2\r\nRETR 3\r\nTOP 3 0\r\nRETR 4\r\nDELE 2\r\nRETR 2\r\n')
        for n in order:
            retr(w, raws[n - 1])
        for want in (dots, raws[5], big):
            retr(bob, want)
        assert bob.line().startswith(b'+OK') and bob.multi()[-1] == b''
        retr(bob, raws[9])
        assert bob.line().startswith(b'+OK') and bob.line().startswith(b'-ERR')
    office.fetch(ANN)


def test_wrong_state_and_nonsense(office):
    with office.wire('pop3s') as w:
        w.line()
        for command in ('STAT', 'LIST', 'RETR 1'):
            assert w.pop(command).startswith('-ERR'), command
        assert w.pop('QUIT').startswith('+OK')
    with login(office) as w:
        for command in ('USER x', 'PASS x', 'XYZZY', 'STLS', 'AUTH PLAIN', 'X' * 200):
            assert w.pop(command).startswith('-ERR'), command
        # RFC 2449 4: a command is at most 255 octets; the session goes on or ends, in order.
        answer = w.pop('NOOP ' + 'x' * 5000)
        assert answer.startswith('-ERR') or answer == '', answer


def test_junk_ends_the_session_soon(office):
    with office.wire('pop3') as w:
        w.line()
        try:
            w.send('GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n' * 50)
        except OSError:
            pass
        answers = 0
        while w.line() != b'' and answers < 100:
            answers += 1
        assert answers < 30, 'the office talks with a browser'


def test_a_session_sees_no_new_mail(office):
    with login(office) as w:
        count = w.pop('STAT')
        office.deliver(messages.plain(b'late\r\n'))
        assert w.pop('STAT') == count
        w.pop('QUIT')
    office.fetch(ANN)


def test_many_messages(office):
    raw = messages.plain(b'small\r\n')
    with office.mx() as s:
        for _ in range(1500):
            assert s.sendmail('x@elsewhere.test', [ANN], raw) == {}
    p = office.pop(ANN)
    assert p.stat()[0] == 1500
    rows = p.uidl()[1]
    assert len({r.split()[1] for r in rows}) == 1500
    assert len(p.list()[1]) == 1500
    for n in range(1, 1501):
        p.dele(n)
    p.quit()
    assert office.fetch(ANN) == []
