#!/usr/bin/env python3
"""One large message in by SMTP and out by POP3 over TLS: no process grows by more than 16 MiB.
Usage: one_gib.py [MIBS]; RESTANTE names a release build."""

import hashlib
import sys
import time

from measure import MIB, PASSWORD, Peak, office

BOUND = 16 * 1024  # KiB
LINE = b'.' + b'x' * 75 + b'\r\n'  # every line must be stuffed and unstuffed


def main(mibs):
    block = LINE * (256 * 1024 // len(LINE))
    wire = block.replace(b'\r\n.', b'\r\n..')
    wire = b'.' + wire
    count = mibs * MIB // len(block)
    head = b'From: <x@elsewhere.test>\r\nSubject: large\r\n\r\n'
    with office(f'message_size_limit = {mibs + 1}M\n') as o:
        peak = Peak(o)
        started = time.monotonic()
        digest = hashlib.sha256(head)
        with o.wire('smtp', timeout=120) as w:
            w.reply()
            w.ask('EHLO client.test')
            w.ask('MAIL FROM:<x@elsewhere.test>')
            w.ask('RCPT TO:<ann@example.test>')
            assert w.ask('DATA').startswith('354')
            w.send(head)
            for _ in range(count):
                w.send(wire)
                digest.update(block)
            reply = w.ask('.')
            assert reply.startswith('250'), reply
        inward = time.monotonic() - started
        started = time.monotonic()
        got = hashlib.sha256()
        size = len(head) + count * len(block)
        with o.wire('pop3s', timeout=120) as w:
            w.line()
            w.pop('USER ann@example.test')
            assert w.pop(f'PASS {PASSWORD}').startswith('+OK')
            assert w.pop('RETR 1').startswith('+OK')
            seen = take(w, got, size)
            assert w.pop('DELE 1').startswith('+OK')
            assert w.pop('QUIT').startswith('+OK')
        outward = time.monotonic() - started
        assert seen == size, (seen, size)
        assert got.digest() == digest.digest(), 'other octets came out than went in'
        grown = peak.grown()
    total = size / MIB
    print(f'{total:.0f} MiB: in {total / inward:.0f} MiB/s, out {total / outward:.0f} MiB/s; grown by '
          + ', '.join(f'{n} {k / 1024:.1f} MiB' for n, k in grown.items()))
    worst = max(grown.values())
    assert worst <= BOUND, f'a process grew by {worst / 1024:.1f} MiB'


def take(w, digest, size):
    """Unstuffs and hashes what follows the trace fields: the message itself is the last `size` octets.
    Our lines all begin with a dot, so the end is looked for behind a line end only."""
    held, seen, in_message = w.held, 0, False
    while True:
        if not in_message and b'From: <x@elsewhere.test>' in held:
            held = held[held.index(b'From: <x@elsewhere.test>'):]
            in_message = True
        if in_message:
            cut = held.rfind(b'\r\n')
            end = held.endswith(b'\r\n.\r\n')
            if end:
                cut = len(held) - 5
            if cut >= 0 and (end or cut > 0):
                part = held[:cut + 2].replace(b'\r\n..', b'\r\n.')
                # A stuffed dot at the front of a piece lost its CRLF to the piece before.
                if seen > 0 and part.startswith(b'..'):
                    part = part[1:]
                digest.update(part)
                seen += len(part)
                held = held[cut + 2:]
            if end:
                w.held = b''
                return seen
        data = w.sock.recv(1 << 20)
        assert data, f'the stream ended after {seen} of {size} octets'
        held += data


if __name__ == '__main__':
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
