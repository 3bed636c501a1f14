"""Bearer tokens, judged by a checker on a Unix socket that is part of this test."""

import base64
import json
import os
import socket
import threading
import time

OFFICE = {'config': 'oauth_check = "checker.sock"\nban_after_failures = 0\n'}
ASKED = []


class Checker:
    """Says "ann-..." belongs to Ann, and so on; "mute" gets no answer, "junk" a wrong one."""

    def __init__(self, office):
        path = office.path('checker.sock')
        if os.path.exists(path):
            os.unlink(path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.bind(path)
        self.sock.listen(50)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                s = self.sock.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.answer, args=(s,), daemon=True).start()

    def answer(self, s):
        with s:
            question = json.loads(s.makefile('rb').readline())
            ASKED.append(question)
            token = question['token']
            if token == 'mute':
                return
            if token == 'slow':
                time.sleep(1)
            line = b'{"active": "yes"}\n'
            if token != 'junk':
                good = token.startswith(('ann', 'slow'))
                line = json.dumps({'active': good, 'username': 'ann@example.test'}).encode() + b'\n'
            for i in range(0, len(line), 7):
                s.sendall(line[i:i + 7])

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


def b64(text):
    return base64.b64encode(text.encode()).decode()


def bearer(token, user=''):
    return b64(f'n,{"a=" + user if user else ""},\x01auth=Bearer {token}\x01\x01')


def pop_auth(office, mechanism, message):
    """The last line of the exchange, an error challenge having got its dummy response."""
    with office.wire('pop3s') as w:
        w.line()
        reply = w.pop(f'AUTH {mechanism} {message}')
        if reply.startswith('+ '):
            assert 'status' in json.loads(base64.b64decode(reply[2:])), reply
            reply = w.pop(b64('\x01'))
        if reply.startswith('+OK'):
            assert w.pop('STAT').startswith('+OK')
        return reply


def test_offered(office):
    with office.wire('pop3s') as w:
        w.line()
        w.send('CAPA\r\n')
        w.line()
        sasl = [line for line in w.multi() if line.startswith(b'SASL ')][0].split()
        assert b'OAUTHBEARER' in sasl and b'XOAUTH2' in sasl, sasl
    with office.wire('submissions') as w:
        w.reply()
        assert 'OAUTHBEARER' in w.ask('EHLO client.test')


def test_nobody_listens(office):
    assert pop_auth(office, 'OAUTHBEARER', bearer('ann')).startswith('-ERR [SYS/TEMP]')


def test_tokens(office):
    checker = Checker(office)
    try:
        assert pop_auth(office, 'OAUTHBEARER', bearer('ann-1')).startswith('+OK')
        assert ASKED[-1] == {'token': 'ann-1', 'user': ''}, ASKED
        assert pop_auth(office, 'OAUTHBEARER', bearer('ann-2', 'ann@example.test')).startswith('+OK')
        assert ASKED[-1]['user'] == 'ann@example.test'
        assert pop_auth(office, 'XOAUTH2', b64(
            'user=ann@example.test\x01auth=Bearer ann-3\x01\x01')).startswith('+OK')
        row = office.json('account', 'show', 'ann@example.test')[0]
        assert row['login_mechanism'] == 'XOAUTH2', row
        assert pop_auth(office, 'OAUTHBEARER', bearer('ann', 'bob@example.test')).startswith(
            '-ERR [AUTH]')
        assert pop_auth(office, 'OAUTHBEARER', bearer('eve')).startswith('-ERR [AUTH]')
        assert pop_auth(office, 'OAUTHBEARER', bearer('slow')).startswith('+OK')
        for broken in ('mute', 'junk'):
            assert pop_auth(office, 'OAUTHBEARER', bearer(broken)).startswith('-ERR [SYS/TEMP]')
        # A client that does not wait takes nothing from the others.
        for _ in range(20):
            with office.wire('pop3s') as w:
                w.line()
                w.send(f'AUTH OAUTHBEARER {bearer("slow")}\r\n')
        assert pop_auth(office, 'OAUTHBEARER', bearer('ann-4')).startswith('+OK')
        with office.wire('submissions') as w:
            w.reply()
            w.ask('EHLO client.test')
            assert w.ask(f'AUTH OAUTHBEARER {bearer("ann-5")}').startswith('235')
            assert w.ask('MAIL FROM:<ann@example.test>').startswith('250')
    finally:
        checker.close()
    assert pop_auth(office, 'OAUTHBEARER', bearer('ann-6')).startswith('-ERR [SYS/TEMP]')


def test_not_configured(office):
    office.stop()
    path = office.path('restante.conf')
    with open(path, encoding='utf-8') as f:
        text = f.read()
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text.replace('oauth_check = "checker.sock"', ''))
    office.start()
    with office.wire('pop3s') as w:
        w.line()
        w.send('CAPA\r\n')
        w.line()
        assert not any(b'OAUTH' in line for line in w.multi())
    assert pop_auth(office, 'OAUTHBEARER', bearer('ann')).startswith('-ERR')
