"""Messages that are all header, all parameters or all nesting: refused in a sentence or taken, and what was taken is
served, and searched and shown by the reader, in time and memory that do not grow with the square."""

import resource
import time

from load import in_time, office
from measure import Peak

FROM = b'From: <ann@example.test>\r\nTo: ann@example.test\r\nSubject: %s\r\nMIME-Version: 1.0\r\n'


def header_lines(n):
    return FROM % b'lines' + b''.join(b'X-%d: y\r\n' % i for i in range(n)) + b'\r\nbody\r\n'


def one_field(n):
    return FROM % b'folded' + b'X: y\r\n' + b' z\r\n' * n + b'\r\nbody\r\n'


def parameters(n):
    return (FROM % b'parameters' + b'Content-Type: text/plain;\r\n' +
            b''.join(b' a%d*%d*=x;\r\n' % (i % 2, i) for i in range(n)) + b' b=c\r\n\r\nbody\r\n')


def recipients(n):
    return FROM % b'addresses' + b'Cc: ' + b',\r\n '.join(b'u%d@example.test' % i for i in range(n)) + b'\r\n\r\nbody\r\n'


def nested(n):
    head = FROM % b'nested' + b'Content-Type: multipart/mixed; boundary=b0\r\n\r\n'
    return head + b''.join(b'--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n' % (i, i + 1)
                           for i in range(n)) + b'needle\r\n'


def siblings(n):
    return (FROM % b'siblings' + b'Content-Type: multipart/mixed; boundary=b\r\n\r\n' +
            b'--b\r\n\r\nneedle\r\n' * n + b'--b--\r\n')


def enclosed(n):
    return FROM % b'enclosed' + b'Content-Type: message/rfc822\r\n\r\n' * (n + 1) + b'needle\r\n'


def taken(o, name, raw, auth):
    """The last reply, and how long it took."""
    started = time.monotonic()
    with o.submit('ann@example.test') if auth else o.mx() as w:
        w.ehlo('load.test')
        w.mail('ann@example.test')
        w.rcpt('ann@example.test')
        w.sock.settimeout(300)
        w.putcmd(f'BDAT {len(raw)} LAST')
        w.sock.sendall(raw)
        code, text = w.getreply()
    assert code in (250, 550, 552, 554), (name, code, text)
    return f'{code} {text.decode()}', time.monotonic() - started


def main(lines, parts):
    shapes = [(header_lines, lines), (one_field, lines), (parameters, parts), (recipients, parts), (nested, parts),
              (siblings, parts), (enclosed, parts)]
    with office('message_size_limit = "200M"\n') as o:
        peak = Peak(o)
        for make, n in shapes:
            raw = make(n)
            for auth in (False, True):
                reply, took = taken(o, make.__name__, raw, auth)
                said = f'{make.__name__} {n}, {len(raw) >> 10} KiB, {"submitted" if auth else "from outside"}: ' \
                       f'{reply[:40]!r}, {took:.1f} s'
                print(said, flush=True)
                assert took < 30, said
        in_time(o, 'ann@example.test', 1)
        grown = peak.grown()
        print('memory:', {k: f'{v >> 10} MiB' for k, v in grown.items()})
        assert all(v < 64 << 10 for v in grown.values()), grown
        kept = o.json('mailbox', 'list', 'ann@example.test')
        for command in (['search', 'body:needle', '--account', 'ann@example.test'],
                        ['list', '--account', 'ann@example.test']):
            read(o, command)
        print(f'{len(kept)} kept')


def read(o, command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    o.must(*command, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime
    print(f'{" ".join(command[:1])}: {cpu:.1f} s of CPU, {after.ru_maxrss >> 10} MiB at most')
    assert cpu < 30 and after.ru_maxrss < 400 << 10
