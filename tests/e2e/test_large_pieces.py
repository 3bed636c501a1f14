"""Messages that come in large pieces, which go to the store without another copy: octet for octet, or not at all."""

import os
import random
import signal
import socket
import struct
import threading

import messages
from office import added, alive, wait_until

LIMIT = 2 << 20
OFFICE = {'config': f'message_size_limit = {LIMIT}\nedges = 1\n'}
ANN = 'ann@example.test'
FROM = 'MAIL FROM:<x@elsewhere.test>\r\n'
TO = f'RCPT TO:<{ANN}>\r\n'


def text(octets, seed, dots=False):
    """Lines of all lengths, each with its number, so that nothing can change places."""
    dice = random.Random(seed)
    raw = bytearray(messages.plain(b'', f'large {seed}'))
    n = 0
    while len(raw) < octets:
        n += 1
        raw += b'.' * (dots and dice.randrange(40) == 0) + b'%d ' % n + b'x' * dice.randrange(900) + b'\r\n'
    return bytes(raw)


def stuffed(raw):
    return raw.replace(b'\r\n.', b'\r\n..') + b'.\r\n'


def session(office):
    w = office.wire('smtp', timeout=120)
    w.reply()
    assert w.ask('EHLO client.test').startswith('250')
    return w


def begin(office):
    w = session(office)
    for command in (FROM, TO, 'DATA\r\n'):
        assert w.ask(command.encode())[0] in '23', command
    return w


def cut(raw, seed):
    """In pieces around the sizes at which something changes, and of any size."""
    dice, edges, pieces = random.Random(seed), (32 << 10, 60 << 10, 64 << 10, 120 << 10, 128 << 10), []
    while raw:
        n = dice.choice((dice.choice(edges) + dice.randrange(-2, 3), dice.randrange(1, 1000), dice.randrange(1, 1 << 18)))
        pieces.append(raw[:n])
        raw = raw[n:]
    return pieces


def drafts(office):
    """Files that the store holds and nobody can name: messages that have not ended."""
    at, found = f'/proc/{office.store_pid()}/fd', 0
    for fd in os.listdir(at):
        try:
            path = os.readlink(os.path.join(at, fd))
        except FileNotFoundError:  # closed meanwhile
            continue
        found += path.startswith(office.state) and path.endswith(' (deleted)')
    return found


def test_one_write(office):
    for n, dots in enumerate((False, True)):
        raw = text(1 << 20, n, dots)
        with begin(office) as w:
            w.send(stuffed(raw))
            assert w.reply().startswith('250')
        added(office.fetch_one(), raw)


def test_odd_pieces(office):
    """One session, a message after the other."""
    sent = [text(1 << 20, n, n % 2 == 1) for n in range(4)]
    with session(office) as w:
        for n, raw in enumerate(sent):
            for command in (FROM, TO, 'DATA\r\n'):
                assert w.ask(command.encode())[0] in '23', command
            for piece in cut(stuffed(raw), n):
                w.send(piece)
            assert w.reply().startswith('250')
    for got, raw in zip(office.fetch(), sent, strict=True):
        added(got, raw)


def test_chunks(office):
    """All of two transactions in one write (RFC 3030, RFC 2920); chunks end anywhere."""
    sent = [text(1 << 20, n) for n in (10, 11)]
    said, replies = b'', 0
    for n, raw in enumerate(sent):
        pieces = cut(raw, n)
        said += (FROM + TO).encode() + b''.join(b'BDAT %d\r\n' % len(p) + p for p in pieces) + b'BDAT 0 LAST\r\n'
        replies += len(pieces) + 3
    with session(office) as w:
        threading.Thread(target=w.send, args=(said,), daemon=True).start()
        told = [w.reply() for _ in range(replies)]
        assert all(t.startswith('250') for t in told), told
    for got, raw in zip(office.fetch(), sent, strict=True):
        added(got, raw)


def test_a_limit_in_the_middle(office):
    large, good = text(LIMIT + (1 << 20), 20), text(1 << 20, 21)
    with session(office) as w:
        for _ in range(2):
            for command in (FROM, TO, 'DATA\r\n'):
                assert w.ask(command.encode())[0] in '23', command
            w.send(stuffed(large))
            assert w.reply().startswith('552 5.3.4')
        w.ask(FROM.encode())
        w.ask(TO.encode())
        half = len(large) // 2
        assert w.ask(b'BDAT %d\r\n' % half + large[:half]).startswith('250')
        assert w.ask(b'BDAT %d LAST\r\n' % (len(large) - half) + large[half:]).startswith('552 5.3.4')
        for command in (FROM, TO, 'DATA\r\n'):
            assert w.ask(command.encode())[0] in '23', command
        w.send(stuffed(good))
        assert w.reply().startswith('250')
    added(office.fetch_one(), good)
    wait_until(lambda: drafts(office) == 0, 60, 'nothing is left of the others')


def test_clients_that_vanish(office):
    raw = stuffed(text(1 << 20, 30))
    for n in range(10):
        w = begin(office)
        w.send(raw[:-3] if n % 2 else raw[:len(raw) // 2])
        if n % 3 == 0:  # without a FIN
            w.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        elif n == 1:
            wait_until(lambda: drafts(office) > 0, 60, 'it is in the middle')
        w.close()
    wait_until(lambda: drafts(office) == 0 and not office.json('who'), 60, 'sessions and drafts are gone')
    assert office.fetch() == []


def takes_mail(office):
    with session(office) as w:
        return all(w.ask(command.encode()).startswith('250') for command in (FROM, TO))


def test_a_store_that_dies_in_the_middle(office):
    lost_raw, good = stuffed(text(LIMIT - (1 << 18), 40)), text(1 << 20, 41)
    half = 3 * len(lost_raw) // 4
    for together in (False, True):  # before the rest comes, or with it
        with begin(office) as w:
            w.send(lost_raw[:half])
            wait_until(lambda: drafts(office) > 0, 60, 'it is in the middle')
            old, lost = office.store_pid(), office.log_tail(1 << 24).count('edge.store-lost')
            os.kill(office.process.pid, signal.SIGSTOP)  # no other store yet
            try:
                rest = threading.Thread(target=w.send, args=(lost_raw[half:],), daemon=True)
                if together:
                    rest.start()
                os.kill(old, signal.SIGKILL)
                if not together:
                    wait_until(lambda: office.log_tail(1 << 24).count('edge.store-lost') > lost, 60, 'the edge notices')
                    rest.start()
                rest.join(60)
                reply = w.reply()
                assert reply.startswith('451'), reply
                assert w.reply().startswith('421') and w.at_end()  # what it asked that store is gone
            finally:
                os.kill(office.process.pid, signal.SIGCONT)
        wait_until(lambda: not alive(old) and office.store_pid() not in (None, old), 60, 'another store')
        wait_until(lambda: office.run('who').returncode == 0, 60, 'it answers')
        wait_until(lambda: takes_mail(office), 60, 'the edge has it')
        with begin(office) as w:
            w.send(stuffed(good))
            assert w.reply().startswith('250')
        added(office.fetch_one(), good)
        assert drafts(office) == 0
