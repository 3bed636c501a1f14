"""Handshakes, each with another server name: nothing is kept of them."""

import secrets
import socket
import ssl
import threading
import time

from load import in_time, office
from measure import pss

MOST_KIB = 1500  # that all edges together may have grown after the first tenth
THREADS = 4


def shake(o, count):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for _ in range(count):
        with socket.create_connection(('127.0.0.1', o.port('pop3s')), timeout=60) as s:
            with context.wrap_socket(s, server_hostname=secrets.token_hex(12) + '.example.test') as t:
                assert t.recv(200).startswith(b'+OK')


def all_together(o, count):
    failed = []

    def one():
        try:
            shake(o, count // THREADS)
        except Exception as e:  # pylint: disable=broad-except
            failed.append(e)
    threads = [threading.Thread(target=one) for _ in range(THREADS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed, failed


def main(count):
    with office() as o:
        all_together(o, count // 10)
        before = {p: pss(p) for p in o.edge_pids()}
        started = time.monotonic()
        all_together(o, count - count // 10)
        rate = count * 0.9 / (time.monotonic() - started)
        grown = sum(pss(p) - before[p] for p in before)
        beside = in_time(o, 'ann@example.test', 1)
        print(f'{count} handshakes with random names, {rate:.0f}/s: {grown} KiB more after the first tenth; a login '
              f'then {beside * 1000:.0f} ms')
        assert grown < MOST_KIB, grown
