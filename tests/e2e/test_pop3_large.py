"""Messages of several pieces: they leave the store's window without a copy, for clients that read fast, slowly
or not at all."""

import os
import random
import select
import signal
import socket

import messages
from office import PASSWORD, Office, added, wait_until

USERS = [f'u{n}@example.test' for n in range(7)]  # more than there are large slots
MIB = 1024 * 1024


def lines(seed, octets):
    """No line begins with a dot."""
    noise = random.Random(seed).randbytes(octets // 2).hex().encode()
    return b''.join(b'x' + noise[i:i + 70] + b'\r\n' for i in range(0, len(noise), 70))


def big_messages():
    return [messages.plain(lines(1, 3 * MIB), 'three MiB'),
            messages.plain(b'.dots\r\n' + lines(2, 2 * MIB) + b'.\r\n..\r\n', 'dots'),
            messages.plain(lines(3, 200 * 1024), 'a little more than a slot'),
            messages.plain(lines(4, 700 * 1024) + b'no line end', 'cut off')]


class Reader:
    """One connection with a small receive buffer, read a few octets at a time."""

    def __init__(self, office, user, tls, small):
        self.wire = office.wire('pop3s' if tls else 'pop3')
        if small:
            self.wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 * 1024)
        assert self.wire.line().startswith(b'+OK')
        assert self.wire.pop(f'USER {user}').startswith('+OK')
        assert self.wire.pop(f'PASS {PASSWORD}').startswith('+OK')
        self.got = bytearray()

    def read(self, octets):
        data = self.wire.sock.recv(octets)
        self.got += data
        return data


def body(reply):
    """The message in a reply to RETR (RFC 1939 3)."""
    status, rest = bytes(reply).split(b'\r\n', 1)
    assert status.startswith(b'+OK') and rest.endswith(b'\r\n.\r\n'), (status, rest[-20:])
    return (b'\r\n' + rest[:-3]).replace(b'\r\n..', b'\r\n.')[2:]


def ended(r, replies):
    return r.got.endswith(b'\r\n.\r\n') and r.got.count(b'\r\n.\r\n') >= replies


def compare(r, raws):
    replies = bytes(r.got).split(b'\r\n.\r\n')
    assert replies.pop() == b'' and len(replies) == len(raws)
    for reply, raw in zip(replies, raws):
        added(body(reply + b'\r\n.\r\n'), raw if raw.endswith(b'\r\n') else raw + b'\r\n')


def large_office():
    office = Office(accounts=USERS, config='cleartext_auth = yes\nmessage_size_limit = "20M"\n')
    office.open()
    return office


def test_large_messages_to_fast_slow_and_many_clients(_office):
    office, raws = large_office(), big_messages()
    try:
        for raw in raws:
            with office.mx() as s:
                s.sendmail('x@elsewhere.test', USERS, raw)
        for small in (False, True):
            readers = [Reader(office, user, i % 2 == 0, small) for i, user in enumerate(USERS)]
            for r in readers:
                r.wire.send('RETR 1\r\nRETR 2\r\nRETR 3\r\nRETR 4\r\nRETR 1\r\n')
            want, rng = len(raws) + 1, random.Random(5)
            waiting = list(readers)
            while waiting:
                tls = [r for r in waiting if hasattr(r.wire.sock, 'pending') and r.wire.sock.pending()]
                for r in tls or select.select([r.wire.sock for r in waiting], [], [], 20)[0]:
                    r = r if isinstance(r, Reader) else next(x for x in waiting if x.wire.sock is r)
                    assert r.read(rng.choice((7, 4096, 65536, MIB))), 'ended in the middle'
                waiting = [r for r in waiting if not ended(r, want)]
            for r in readers:
                compare(r, raws + raws[:1])
                assert r.wire.pop('QUIT').startswith('+OK')
                r.wire.close()
        office.check_log()
    finally:
        office.close()


def test_a_store_that_dies_leaves_no_whole_message(_office):
    """Who was in the middle of one sees the connection end, not the end of a message."""
    office, raws = large_office(), big_messages()
    try:
        raw = raws[0]
        with office.mx() as s:
            s.sendmail('x@elsewhere.test', USERS, raw + lines(9, 9 * MIB))
        readers = [Reader(office, user, i % 2 == 0, True) for i, user in enumerate(USERS)]
        for r in readers:
            r.wire.send('RETR 1\r\n')
            r.read(4096)
        os.kill(office.store_pid(), signal.SIGKILL)
        for r in readers:
            try:
                while r.read(MIB):
                    pass
            except OSError:
                pass
            assert raw[:4096] in r.got and b'\r\n.\r\n' not in r.got
            r.wire.close()
        wait_until(lambda: office.run('status').returncode == 0, 20, 'there is a store again')
    finally:
        office.close()
