"""At the limit and one past it; clients that are slow, silent or greedy."""

import random
import socket
import threading
import time

import messages
from office import PASSWORD, added, wait_until

LIMIT = 1 << 20


def free_port():
    """Below the kernel's own choice for clients, above an office's."""
    while True:
        port = random.randrange(32000, 32700)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue


PROXIED = free_port()
OFFICE = {'config': 'message_size_limit = "1M"\nconnections_per_address = 30\nconnections_per_network = 100\n'
                    f'listen by-proxy {{ protocol = smtp port = {PROXIED} address = "127.0.0.1"\n'
                    '    proxy_networks = "127.0.0.1" }\n'}
ANN = 'ann@example.test'


def session(office, name='smtp'):
    w = office.wire(name)
    w.reply()
    w.ask('EHLO client.test')
    w.ask('MAIL FROM:<x@elsewhere.test>')
    return w


def sized(octets):
    raw = messages.plain(b'', 'sized')
    body = b'x' * 70 + b'\r\n'
    raw += body * ((octets - len(raw)) // len(body) - 1)
    raw += b'y' * (octets - len(raw) - 2) + b'\r\n'
    assert len(raw) == octets
    return raw


def test_message_size(office):
    with office.wire('smtp') as w:
        w.reply()
        assert f'SIZE {LIMIT}' in w.ask('EHLO client.test')
        assert w.ask(f'MAIL FROM:<x@elsewhere.test> SIZE={LIMIT + 1}').startswith('552 5.3.4')
        assert w.ask(f'MAIL FROM:<x@elsewhere.test> SIZE={LIMIT}').startswith('250')
        assert w.ask(f'MAIL FROM:<x@elsewhere.test> SIZE=99999999999999999999').startswith('5')
    for over in (0, 1, 100000):
        raw = sized(LIMIT + over)
        for chunked in (False, True):
            with session(office) as w:
                assert w.ask('RCPT TO:<ann@example.test>').startswith('250')
                if chunked:
                    reply = w.ask(b'BDAT %d LAST\r\n' % len(raw) + raw)
                else:
                    assert w.ask('DATA').startswith('354')
                    reply = w.ask(raw + b'.\r\n')
                assert reply.startswith('552 5.3.4' if over else '250'), (over, chunked, reply)
                assert w.ask('NOOP').startswith('250')
        got = office.fetch(ANN)
        assert len(got) == (0 if over else 2), (over, len(got))
        for g in got:
            added(g, raw)


def test_recipients(office):
    with session(office) as w:
        count = 1005
        w.send(''.join(f'RCPT TO:<ann+{n}@example.test>\r\n' for n in range(count)))
        codes = [w.reply() for _ in range(count)]
        assert all(c.startswith('250') for c in codes[:1000]), [c for c in codes if c[:3] != '250'][:3]
        # RFC 5321 4.5.3.1.10: 452, and those that were taken stand.
        assert all(c.startswith('452 4.5.3') for c in codes[1000:]), codes[1000:]
        assert w.ask('DATA').startswith('354')
        assert w.ask(messages.plain(b'many\r\n') + b'.\r\n').startswith('250')
    assert len(office.fetch(ANN)) >= 1


def test_long_lines(office):
    with office.wire('smtp') as w:
        w.reply()
        reply = w.ask('EHLO ' + 'a' * 100000)
        assert reply.startswith('500 5.5.') or reply.startswith('5'), reply
        assert w.ask('NOOP').startswith('250'), 'the rest of the line was taken for commands'
        assert w.ask('EHLO client.test').startswith('250')
        # RFC 5321 4.5.3.1: at least 512 octets for a command, 1000 for a line of text.
        assert w.ask('NOOP ' + 'x' * 500).startswith('250')
        w.ask('MAIL FROM:<x@elsewhere.test>')
        assert w.ask('RCPT TO:<' + 'a' * 300 + '@example.test>').startswith('5')
        assert w.ask('RCPT TO:<ann@example.test>').startswith('250')
        assert w.ask('DATA').startswith('354')
        raw = messages.plain(b'z' * 50000 + b'\r\n')
        reply = w.ask(raw + b'.\r\n')
        assert reply[:3] in ('250', '550', '554', '500'), reply
    got = office.fetch(ANN)
    assert len(got) == (1 if reply.startswith('250') else 0)
    if got:
        added(got[0], raw)


def test_header_limits(office):
    with session(office) as w:
        w.ask('RCPT TO:<ann@example.test>')
        w.ask('DATA')
        raw = b'Received: from a by b\r\n' * 200 + messages.plain(b'loop\r\n')
        assert w.ask(raw + b'.\r\n').startswith('554 5.4.6'), 'RFC 5321 6.3'
    assert office.fetch(ANN) == []


def test_error_budget(office):
    with office.wire('smtp', timeout=60) as w:
        w.reply()
        said = ''
        for _ in range(200):
            try:
                said = w.ask('XYZZY')
            except OSError:
                said = ''
            if not said.startswith('50'):
                break
        assert said.startswith('421') or said == '', said


def test_connections_an_address(office):
    held = []
    try:
        refused = None
        for _ in range(60):
            w = office.wire('smtp')
            line = w.line()
            if not line.startswith(b'220'):
                refused = line
                w.close()
                break
            held.append(w)
        assert refused is not None, f'{len(held)} connections'
        assert refused.startswith(b'421') or refused == b'', refused
        assert len(held) <= 30, len(held)
        # Those who are in are served as ever.
        assert held[0].ask('NOOP').startswith('250')
    finally:
        for w in held:
            w.close()

    def open_again():
        with office.wire('smtp') as w:
            return w.line().startswith(b'220')
    wait_until(open_again, 10, 'room again')


def test_a_thousand_connections_from_one_address(office):
    held, refused = [], 0
    try:
        for n in range(1000):
            w = office.wire(('smtp', 'pop3')[n % 2])
            line = w.line()
            if line.startswith((b'220', b'+OK')):
                held.append(w)
            else:
                assert line == b'' or line.startswith((b'421', b'-ERR [SYS/TEMP]')), line
                refused += 1
                w.close()
        assert len(held) <= 30 and refused >= 970, (len(held), refused)
        # Somebody else is served as ever.
        with socket.create_connection(('127.0.0.1', office.port('smtp')), timeout=20,
                                      source_address=('127.0.0.2', 0)) as s:
            assert s.recv(100).startswith(b'220')
    finally:
        for w in held:
            w.close()
    wait_until(lambda: welcome(office), 10, 'room again')  # the server learns of each end by and by
    quick(office)


def greeted_from(office, held, source):
    """A connection from there, by IPv6 as a proxy tells it: was it taken?"""
    six = ':' in source
    s = socket.create_connection(('127.0.0.1', PROXIED if six else office.port('smtp')), timeout=60,
                                 source_address=None if six else (source, 0))
    held.append(s)
    try:
        if six:
            s.sendall(f'PROXY TCP6 {source} ::1 1025 25\r\n'.encode())
        return s.recv(100).startswith(b'220')
    except (BrokenPipeError, ConnectionResetError):
        return False


def check_network(office, four, fifth, elsewhere):
    held = []
    try:
        taken = [[greeted_from(office, held, one.format(n)) for n in range(1, 26)] for one in four]
        assert all(all(one) for one in taken), taken  # 100: the limit
        assert not any(greeted_from(office, held, fifth) for _ in range(25))
        assert greeted_from(office, held, elsewhere)
    finally:
        for s in held:
            s.close()
    held = []
    wait_until(lambda: greeted_from(office, held, fifth), 60, 'room again')
    for s in held:
        s.close()


def test_connections_from_one_network(office):
    check_network(office, [f'127.0.9.{n}' for n in range(1, 5)], '127.0.9.5', '127.0.10.1')
    # By IPv6 a /48.
    check_network(office, [f'2001:db8:9:{n}:{{0}}:{{0}}:1:1' for n in range(1, 5)], '2001:db8:9:5:1:1:1:1',
                  '2001:db8:a:1:1:1:1:1')


def test_an_address_is_a_64_by_ipv6(office):
    # Also where zeros are left out of the text.
    for prefix in ('2001:db8:b:1', '2001:db8:0:0'):
        held = []
        try:
            taken = [greeted_from(office, held, f'{prefix}:{n}:1:1:1') for n in range(1, 41)]
            assert taken == [True] * 30 + [False] * 10, (prefix, taken)
            assert greeted_from(office, held, '2001:db8:b:2:1:1:1:1')
        finally:
            for s in held:
                s.close()


def welcome(office):
    with office.wire('smtp') as w:
        return w.line().startswith(b'220')


def quick(office):
    started = time.monotonic()
    raw = messages.plain(b'quick\r\n')
    office.deliver(raw, 'bob@example.test')
    added(office.fetch_one('bob@example.test'), raw)
    return time.monotonic() - started


def test_slow_clients_hold_up_nobody(office):
    idle = quick(office)
    done = threading.Event()

    def drip(name, data):
        with socket.create_connection(('127.0.0.1', office.port(name)), timeout=20) as s:
            for i in range(len(data)):
                if done.is_set():
                    return
                s.sendall(data[i:i + 1])
                done.wait(1)

    threads = [threading.Thread(target=drip, args=(name, data)) for name, data in
               [('smtp', b'EHLO slow.test\r\nMAIL FROM:<x@elsewhere.test>\r\n'),
                ('pop3', b'CAPA\r\nUSER ann@example.test\r\n'),
                ('pop3s', b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
                ('submissions', b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')] for _ in range(4)]
    for t in threads:
        t.start()
    try:
        for _ in range(5):
            took = quick(office)
            assert took < max(2, 10 * idle), (took, idle)
    finally:
        done.set()
        for t in threads:
            t.join()


def rss(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as f:
        return next(int(line.split()[1]) for line in f if line.startswith('VmRSS:'))


def test_a_client_that_stops_reading(office):
    for _ in range(3):
        office.deliver(sized(LIMIT - 1000))
    before = {p: rss(p) for p in office.children()}
    w = office.wire('pop3s')
    try:
        w.line()
        w.send(f'USER {ANN}\r\nPASS {PASSWORD}\r\n' + 'RETR 1\r\nRETR 2\r\nRETR 3\r\n' * 50)
        time.sleep(1)
        for _ in range(3):
            assert quick(office) < 5
        grown = {p: rss(p) - before.get(p, 0) for p in office.children()}
        # 150 messages were asked for: 150 MB that must not wait in memory.
        assert all(kib < 60000 for kib in grown.values()), grown
    finally:
        w.close()

    def free():
        try:
            office.pop(ANN).quit()
            return True
        except Exception:  # pylint: disable=broad-except
            return False
    wait_until(free, 15, 'the maildrop is free')
    office.fetch(ANN)


def test_half_a_transaction_leaves_nothing(office):
    raw = messages.plain(b'never whole\r\n')
    for cut in (1, 50, len(raw), len(raw) + 1, len(raw) + 2):
        w = session(office)
        w.ask('RCPT TO:<ann@example.test>')
        w.ask('DATA')
        w.send((raw + b'.\r\n')[:cut])
        w.close()
    with session(office) as w:
        w.ask('RCPT TO:<ann@example.test>')
        w.ask(b'BDAT 10\r\n0123456789')
    time.sleep(0.3)
    assert office.fetch(ANN) == []


def test_many_sessions_at_once(office):
    errors = []

    def one(n):
        try:
            office.deliver(messages.plain(b'together\r\n', f'n{n}'))
        except Exception as error:  # pylint: disable=broad-except
            errors.append(error)
    for _ in range(5):
        threads = [threading.Thread(target=one, args=(n,)) for n in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert not errors, errors[:3]
    assert len(office.fetch(ANN)) == 100
