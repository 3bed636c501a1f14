"""SIGHUP: new settings and certificates for new sessions, and nobody is thrown out."""

import hashlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

import messages
from office import BIN, PASSWORD, added, environment, wait_until

ANN = 'ann@example.test'


def served(office, name='pop3s'):
    """The fingerprint of the certificate a new session gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(('127.0.0.1', office.port(name)), timeout=20) as s:
        with context.wrap_socket(s, server_hostname='localhost') as t:
            return hashlib.sha256(t.getpeercert(True)).hexdigest()


def hang_up(office):
    office.process.send_signal(signal.SIGHUP)


def new_certificate(office):
    other = os.path.join(office.dir, 'fresh')
    shutil.rmtree(other, ignore_errors=True)
    subprocess.run([BIN, 'init', '--domain', 'example.test', '--hostname', 'mail.example.test',
                    '--port-offset', '9000', '--state', other], check=True, capture_output=True,
                   env=environment())
    for name in ('key.pem', 'cert.pem'):
        # Over the file, so that its owner and mode stay.
        with open(os.path.join(other, 'tls', name), 'rb') as f, \
                open(office.path('tls', name), 'wb') as t:
            t.write(f.read())


def open_session(office):
    w = office.wire('pop3s')
    w.line()
    assert w.pop(f'USER {ANN}').startswith('+OK')
    assert w.pop(f'PASS {PASSWORD}').startswith('+OK')
    return w


def test_a_new_certificate_and_an_old_session(office):
    raw = messages.plain(b'before\r\n')
    office.deliver(raw)
    before = served(office)
    with open_session(office) as w:
        with office.wire('smtp') as half:
            half.reply()
            half.ask('EHLO client.test')
            half.ask('MAIL FROM:<x@elsewhere.test>')
            half.ask('RCPT TO:<bob@example.test>')
            assert half.ask('DATA').startswith('354')
            new_certificate(office)
            hang_up(office)
            wait_until(lambda: served(office) != before, 20, 'the new certificate is served')
            for name in ('pop3s', 'submissions'):
                for _ in range(8):  # each edge
                    assert served(office, name) != before
            office.pop('bob@example.test').quit()  # verified against the new file
            late = messages.plain(b'after the reload\r\n')
            assert half.ask(late + b'.\r\n').startswith('250')
        assert w.pop('STAT').split()[1] == '1'
        assert w.pop('RETR 1').startswith('+OK')
        added(b''.join(line + b'\r\n' for line in w.multi()), raw)
        assert w.pop('DELE 1').startswith('+OK')
        assert w.pop('QUIT').startswith('+OK')
    assert office.fetch(ANN) == []
    added(office.fetch_one('bob@example.test'), late)


def size_offered(office):
    with office.wire('smtp') as w:
        w.reply()
        ehlo = w.ask('EHLO client.test')
    return int(re.search(r'SIZE (\d+)', ehlo)[1])


def test_new_settings(office):
    with open(office.path('restante.conf'), 'a', encoding='utf-8') as f:
        f.write('message_size_limit = "3M"\n')
    assert size_offered(office) != 3 << 20
    hang_up(office)
    wait_until(lambda: size_offered(office) == 3 << 20, 20, 'the new limit is offered')


def still_works(office):
    raw = messages.plain(b'still\r\n')
    office.deliver(raw)
    added(office.fetch_one(), raw)


def test_a_broken_configuration_is_refused(office):
    path = office.path('restante.conf')
    with open(path, encoding='utf-8') as f:
        was = f.read()
    with open_session(office) as w:
        try:
            with open(path, 'w', encoding='utf-8') as f:
                f.write(was.replace('= "3M"', '= "4M"') + 'nonsense_setting = 1\n')
            hang_up(office)
            wait_until(lambda: 'nonsense_setting' in office.log_tail(20000), 10, 'the log says why')
            time.sleep(0.5)
            assert size_offered(office) == 3 << 20
            assert w.pop('NOOP').startswith('+OK')
        finally:
            with open(path, 'w', encoding='utf-8') as f:
                f.write(was)
        w.pop('QUIT')
    still_works(office)
    hang_up(office)
    time.sleep(0.5)
    still_works(office)


def test_a_broken_certificate_is_refused(office):
    before = served(office)
    with open(office.path('tls', 'cert.pem'), 'rb') as f:
        was = f.read()
    for text in (b'', b'-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'):
        try:
            with open(office.path('tls', 'cert.pem'), 'wb') as f:
                f.write(text)
            hang_up(office)
            time.sleep(1)
            assert served(office) == before
        finally:
            with open(office.path('tls', 'cert.pem'), 'wb') as f:
                f.write(was)
    # A key that is another's: certificate renewed, key forgotten.
    with open(office.path('tls', 'key.pem'), 'rb') as f:
        key = f.read()
    try:
        new_certificate(office)
        with open(office.path('tls', 'key.pem'), 'wb') as f:
            f.write(key)
        hang_up(office)
        time.sleep(1)
        assert served(office) == before
    finally:
        with open(office.path('tls', 'cert.pem'), 'wb') as f:
            f.write(was)
    still_works(office)


def test_many_reloads(office):
    for _ in range(10):
        hang_up(office)
        time.sleep(0.1)
    still_works(office)
    wait_until(lambda: len(office.children()) <= 1 + 2 * (os.cpu_count() or 1), 20,
               'old processes end')


def test_dropped_characters(office):
    """The answer of before was kept in memory; the new setting counts for it, too."""
    def code():
        with office.mx() as s:
            s.ehlo()
            s.mail('x@y.test')
            return s.rcpt('a.nn@example.test')[0]

    assert code() == 550
    with open(office.path('restante.conf'), encoding='utf-8') as f:
        before = f.read()
    for text, wanted in ((before + '\ndrop_characters = "."\n', 250), (before, 550)):
        with open(office.path('restante.conf'), 'w', encoding='utf-8') as f:
            f.write(text)
        hang_up(office)
        wait_until(lambda want=wanted: code() == want, 60, f'{wanted}')


def test_a_configuration_longer_than_a_packet(office):
    """The store has it too, and no session of it ends."""
    def code():
        with office.mx() as s:
            s.ehlo()
            s.mail('x@y.test')
            return s.rcpt('b.ob@example.test')[0]

    with open(office.path('restante.conf'), encoding='utf-8') as f:
        before = f.read()
    store = office.store_pid()
    with open_session(office) as w:
        for more, wanted in ((('# ' + 'x' * 97 + '\n') * 5000 + 'drop_characters = "."\n', 250), ('', 550)):
            with open(office.path('restante.conf'), 'w', encoding='utf-8') as f:
                f.write(before + '\n' + more)
            hang_up(office)
            wait_until(lambda want=wanted: code() == want, 60, f'{wanted}')
        assert w.pop('STAT').startswith('+OK')
        assert w.pop('QUIT').startswith('+OK')
    assert office.store_pid() == store


def test_clients_that_stay_keep_no_generation_out(office):
    """As many edges as there can be, and in each generation somebody at each of them who stays."""
    stay = []
    with open(office.path('restante.conf'), encoding='utf-8') as f:
        before = f.read()
    office.stop()
    with open(office.path('restante.conf'), 'w', encoding='utf-8') as f:
        f.write(before + '\nedges = 16\nconnections_per_address = 1000\n')
    office.start()
    try:
        old = set()
        for _ in range(5):
            new = set(office.edge_pids()) - old
            for pid in new:  # the others see nothing of the next client
                for other in new - {pid}:
                    os.kill(other, signal.SIGSTOP)
                w = office.wire('smtp')
                assert w.reply().startswith('220') and w.ask('EHLO client.test').startswith('250')
                stay.append(w)
                for other in new - {pid}:
                    os.kill(other, signal.SIGCONT)
            old |= new
            hang_up(office)
            wait_until(lambda: len(set(office.edge_pids()) - old) == 16, 30, 'the next generation')
            with office.wire('smtp') as w:
                assert w.reply().startswith('220')
        assert stay[0].line().startswith(b'421')
        assert stay[-1].ask('NOOP').startswith('250')
    finally:
        for w in stay:
            w.close()
        office.stop()
        with open(office.path('restante.conf'), 'w', encoding='utf-8') as f:
            f.write(before)
        office.start()
