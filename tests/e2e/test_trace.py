"""The life of a message: which retrievals count, and what of them outlives what."""

import re
import socket
import time

from office import Office, wait_until

ANN = 'ann@example.test'
BIG = b'Subject: big\r\n\r\n' + (b'y' * 76 + b'\r\n') * 300000


def letter(office, raw=b'Subject: x\r\n\r\nx\r\n'):
    """Delivers one; its id."""
    office.fetch()
    office.deliver(raw)
    with office.pop_wire() as w:
        w.pop('UIDL')
        (row,) = w.multi()
        w.pop('QUIT')
    return row.decode().split()[1]


def events(office, message):
    return [r['event'] for r in office.json('trace', message)]


def retrieved(office, message):
    return [r for r in office.json('trace', message) if r['event'] == 'retrieved']


def settle(office):
    """A session that only now ends would be told of within a second."""
    time.sleep(1.5)


def test_retr_and_quit(office):
    message = letter(office)
    before = time.time()
    with office.pop_wire() as w:
        for _ in range(2):
            w.pop('RETR 1')
            w.multi()
        assert w.pop('QUIT').startswith('+OK')
    wait_until(lambda: retrieved(office, message), 10, 'a retrieval')
    (row,) = retrieved(office, message)
    assert row['recipient'] == ANN and row['client'] == f'{ANN} via 127.0.0.1', row
    assert row['time'] >= time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(before - 1)), row
    text = office.must('trace', message).decode()
    assert re.search(rf'retrieved\s+{ANN}\s+{ANN} via 127.0.0.1', text), text
    office.fetch()
    wait_until(lambda: len(retrieved(office, message)) == 2, 10, 'the second')
    assert events(office, message)[-2:] == ['retrieved', 'deleted']
    office.stop()
    assert events(office, message)[2:] == ['retrieved', 'retrieved', 'deleted']
    office.start()
    assert events(office, message)[2:] == ['retrieved', 'retrieved', 'deleted']


def test_top_does_not_count(office):
    message = letter(office)
    with office.pop_wire() as w:
        w.pop('TOP 1 1000')
        w.multi()
        w.pop('QUIT')
    settle(office)
    assert retrieved(office, message) == []


def test_cut_in_the_middle(office):
    message = letter(office, BIG)
    for how in ('close', 'reset'):
        w = office.pop_wire()
        w.pop('RETR 1')
        w.line()
        if how == 'reset':
            w.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        w.close()
    settle(office)
    assert retrieved(office, message) == []
    small = letter(office)
    w = office.pop_wire()
    w.send(b'RETR 1\r\n')
    time.sleep(0.5)  # it lies in our buffer
    w.close()        # and nobody has read it
    settle(office)
    assert retrieved(office, small) == []


def test_retr_and_hang_up(office):
    message = letter(office)
    w = office.pop_wire()
    w.pop('RETR 1')
    w.multi()
    w.close()
    wait_until(lambda: retrieved(office, message), 10, 'a retrieval')
    message = letter(office)
    w = office.pop_wire()
    w.pop('RETR 1')
    w.multi()
    assert w.pop('NOOP').startswith('+OK')  # it has it
    w.send(b'RETR 1\r\n')
    time.sleep(0.5)
    w.close()
    wait_until(lambda: retrieved(office, message), 10, 'a retrieval')


def test_all_in_one_go(office):
    message = letter(office)
    with office.pop_wire() as w:
        w.send(b'RETR 1\r\nDELE 1\r\nQUIT\r\n')
        w.multi()
        w.line()
        assert w.line().startswith(b'+OK')
    wait_until(lambda: retrieved(office, message), 10, 'a retrieval')
    assert events(office, message)[-2:] == ['retrieved', 'deleted']


def test_many(office):
    """More than one packet of them; the last one is told of too."""
    office.fetch()
    mbox = office.path('many.mbox')
    with open(mbox, 'wb') as f:
        for n in range(5000):
            f.write(b'From x@elsewhere.test Thu Jan  1 00:00:00 2026\nMessage-ID: <m%d@x.test>\n\nx\n\n' % n)
    office.must('mailbox', 'import', ANN, mbox)
    with office.pop_wire() as w:
        for first in range(1, 5001, 500):
            w.send(b''.join(b'RETR %d\r\n' % n for n in range(first, first + 500)))
            for _ in range(500):
                w.line()
                w.multi()
        w.pop('QUIT')
    for n in (0, 2500, 3839, 3840, 4999):
        wait_until(lambda n=n: len(retrieved(office, f'm{n}@x.test')) == 1, 20, 'a retrieval')


def test_copied_since(office):
    """What compaction gives back takes its records with it; what stands behind is told."""
    other = Office(config='expunged_keep = "1s"\n')
    try:
        other.open()
        message = letter(other)
        with other.pop_wire() as w:
            w.pop('RETR 1')
            w.multi()
            w.pop('QUIT')
        wait_until(lambda: retrieved(other, message), 10, 'a retrieval')
        other.must('fsck')
        other.stop()
        other.must('fsck', '--rebuild')
        other.start()
        assert len(retrieved(other, message)) == 1
        other.must('store', 'compact', '--now')
        other.close()
    finally:
        other.destroy()
