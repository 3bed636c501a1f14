"""EXTERNAL: a client certificate instead of a password (RFC 4422 A)."""

import base64
import hashlib
import os
import shutil
import socket
import ssl
import subprocess

from office import Skip, Wire, wait_until

ANN, BOB = 'ann@example.test', 'bob@example.test'
OFFICE = {'config': 'ban_after_failures = 0\nauth_failures = 10\n'}


def b64(text):
    return base64.b64encode(text.encode()).decode() or '='


def openssl(*words):
    if shutil.which('openssl') is None:
        raise Skip('openssl is not installed')
    return subprocess.run(['openssl', *words], check=True, capture_output=True).stdout


def make(office, name):
    """A key, a certificate of its own for it, and the SHA-256 of its SubjectPublicKeyInfo."""
    cert, key = os.path.join(office.dir, f'{name}.pem'), os.path.join(office.dir, f'{name}.key')
    if not os.path.exists(cert):
        openssl('req', '-x509', '-nodes', '-days', '2', '-newkey', 'ec', '-pkeyopt',
                'ec_paramgen_curve:P-256', '-subj', f'/CN={name}', '-keyout', key, '-out', cert)
    der = openssl('pkey', '-in', key, '-pubout', '-outform', 'DER')
    return cert, key, hashlib.sha256(der).hexdigest()


def configure(office, ca=None):
    """Certificates are asked for at pop3s and submission; ca: whose only."""
    path = office.path('restante.conf')
    office.stop()
    with open(path, encoding='utf-8') as f:
        text = f.read()
    if 'client_certificates = request' not in text:
        for name in ('pop3s', 'submission'):
            assert f'listen {name} {{' in text, text
            text = text.replace(f'listen {name} {{',
                                f'listen {name} {{\n\tclient_certificates = request')
    text = ''.join(line for line in text.splitlines(True) if not line.startswith('client_ca_file'))
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text + (f'client_ca_file = "{ca}"\n' if ca else ''))
    office.start()


def context(office, name=None, version=None):
    c = office.tls()
    if name:
        cert, key, _ = make(office, name)
        c.load_cert_chain(cert, key)
    if version:
        c.maximum_version = version
    return c


def pop(office, *messages, name=None, version=None, mechanism='EXTERNAL'):
    """The last reply to AUTH EXTERNAL with these responses."""
    with Wire(office.port('pop3s'), context(office, name, version)) as w:
        w.line()
        reply = w.pop(' '.join(['AUTH', mechanism, *messages[:1]]))
        for m in messages[1:]:
            assert reply.startswith('+ '), reply
            reply = w.pop(m)
        if reply.startswith('+OK'):
            assert w.pop('STAT').startswith('+OK'), 'logged in, but nothing is open'
        return reply


def sasl(office, name=None):
    with Wire(office.port('pop3s'), context(office, name)) as w:
        w.line()
        w.send('CAPA\r\n')
        w.line()
        return [line for line in w.multi() if line.startswith(b'SASL ')][0].split()


def logged(office, words):
    wait_until(lambda: words in office.log_tail(), 5, f'the log says {words}')


def test_nobody_is_asked_by_default(office):
    make(office, 'ann')
    office.must('account', 'cert', 'add', ANN, make(office, 'ann')[0])
    assert b'EXTERNAL' not in sasl(office, 'ann')
    assert pop(office, '=', name='ann') == '-ERR mechanism is not supported'
    office.must('account', 'cert', 'del', ANN, make(office, 'ann')[0])


def test_offered_to_who_shows_one(office):
    configure(office)
    assert b'EXTERNAL' in sasl(office, 'ann')
    assert b'EXTERNAL' not in sasl(office)
    assert pop(office, '=').startswith('-ERR')
    office.pop(ANN).quit()  # passwords go on


def test_login(office):
    cert, _, fingerprint = make(office, 'ann')
    assert pop(office, '=', name='ann').startswith('-ERR [AUTH]'), 'no account has it'
    logged(office, f'user=sha256:{fingerprint} ')
    logged(office, f'key={fingerprint}')
    office.must('account', 'cert', 'add', ANN, cert)
    rows = office.json('account', 'cert', 'list', ANN)
    assert [(r['key'], r['name']) for r in rows] == [(fingerprint, 'CN = ann')], rows
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert pop(office, '=', name='ann', version=version).startswith('+OK'), version
    assert office.json('account', 'show', ANN)[0]['login_mechanism'] == 'EXTERNAL'
    assert pop(office, b64(ANN), name='ann').startswith('+OK')
    assert pop(office, name='ann') == '+ ', 'a challenge when nothing is said'
    assert pop(office, b64(BOB), name='ann').startswith('-ERR [AUTH]'), 'somebody else'
    assert pop(office, b64('nobody@example.test'), name='ann').startswith('-ERR [AUTH]')
    assert pop(office, b64('a\0b'), name='ann').startswith('-ERR malformed')
    assert pop(office, '=', name='eve').startswith('-ERR [AUTH]'), 'another key'


def test_submission(office):
    cert = make(office, 'ann')[0]
    with Wire(office.port('submission')) as w:
        w.reply()
        assert 'EXTERNAL' not in w.ask('EHLO client.test')
        assert w.ask('STARTTLS').startswith('220')
        w.start_tls(context(office, 'ann'))
        offered = [line for line in w.ask('EHLO client.test').split('\n') if 'AUTH' in line][0]
        assert 'EXTERNAL' in offered.split(), offered
        assert w.ask('AUTH EXTERNAL').startswith('334')
        assert w.ask('=') == '501 5.5.2 malformed base64'
        assert w.ask('AUTH EXTERNAL').startswith('334')
        assert w.ask('').startswith('235'), 'an empty response: whoever the certificate says'
        assert w.ask(f'MAIL FROM:<{BOB}>').startswith('553'), 'the account is Ann'
        assert w.ask(f'MAIL FROM:<{ANN}>').startswith('250')
    with Wire(office.port('submissions'), context(office, 'ann')) as w:
        w.reply()
        assert 'EXTERNAL' not in w.ask('EHLO client.test'), 'not asked for here'
    assert office.run('account', 'cert', 'add', ANN, cert).stderr.endswith(b'has this key already\n')


def test_two_accounts_one_key(office):
    office.must('account', 'cert', 'add', BOB, 'sha256:' + make(office, 'ann')[2].upper())
    assert pop(office, '=', name='ann').startswith('-ERR [AUTH]'), 'which of the two?'
    assert pop(office, b64(BOB), name='ann').startswith('+OK')
    assert pop(office, b64('bob'), name='ann').startswith('+OK'), 'the only domain'
    office.must('account', 'disable', BOB)
    assert pop(office, b64(BOB), name='ann').startswith('-ERR [AUTH]'), 'disabled'
    office.must('account', 'enable', BOB)
    office.must('account', 'cert', 'del', BOB, make(office, 'ann')[0])
    assert pop(office, b64(BOB), name='ann').startswith('-ERR [AUTH]')
    assert pop(office, '=', name='ann').startswith('+OK'), 'one again'


def test_no_tickets(office):
    """A ticket would prove a key that was shown long ago."""
    c = context(office, 'ann')
    with Wire(office.port('pop3s'), c) as w:
        w.line()
        w.pop('NOOP')
        session = w.sock.session
        assert not w.sock.session.has_ticket, 'a ticket'
        w.pop('QUIT')
    with Wire(office.port('pop3'), None) as w:
        w.line()
        w.pop('STLS')
        w.start_tls(c)
        w.pop('NOOP')
        session = w.sock.session  # nobody asked there, so nothing in it is proved
        w.pop('QUIT')
    raw = socket.create_connection(('127.0.0.1', office.port('pop3s')), timeout=20)
    with c.wrap_socket(raw, server_hostname='localhost', session=session) as s:
        s.recv(100)
        assert not s.session_reused, 'resumed a session that nobody was asked in'


def test_authority(office):
    ca, ca_key, _ = make(office, 'ca')
    shutil.copy(ca, office.path('tls', 'ca.pem'))
    csr, cert = os.path.join(office.dir, 'csr'), os.path.join(office.dir, 'vouched.pem')
    make(office, 'vouched')
    openssl('req', '-new', '-key', cert.replace('.pem', '.key'), '-subj', '/CN=vouched', '-out', csr)
    openssl('x509', '-req', '-in', csr, '-CA', ca, '-CAkey', ca_key, '-CAcreateserial', '-days', '2',
            '-out', cert)
    configure(office, 'tls/ca.pem')
    office.must('account', 'cert', 'add', ANN, cert)
    assert pop(office, '=', name='vouched').startswith('+OK')
    assert b'EXTERNAL' not in sasl(office, 'ann'), 'its own certificate'
    logged(office, 'why="self')
    configure(office)
    assert pop(office, '=', name='ann').startswith('+OK')


def test_bans_count(office):
    path = office.path('restante.conf')
    office.stop()
    with open(path, encoding='utf-8') as f:
        text = f.read()
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text.replace('ban_after_failures = 0', 'ban_after_failures = 2\nban_exempt = ""\n'))
    office.start()
    for _ in range(2):
        assert pop(office, '=', name='eve').startswith('-ERR [AUTH]')
    assert [r['network'] for r in office.json('ban', 'list')] == ['127.0.0.1']
    office.must('ban', 'del', '127.0.0.1')


def test_command_line(office):
    cert, key, _ = make(office, 'ann')
    junk = os.path.join(office.dir, 'junk')
    with open(junk, 'w', encoding='utf-8') as f:
        f.write('not a certificate\n')
    public = os.path.join(office.dir, 'public')
    with open(public, 'wb') as f:
        f.write(openssl('pkey', '-in', key, '-pubout'))
    office.must('account', 'cert', 'del', ANN, public)  # the key alone will do
    for words, code, said in (
            (('add', ANN, junk), 65, b'neither a certificate nor a public key in PEM'),
            (('add', ANN, '/nowhere'), 66, b'64 hexadecimal digits'),
            (('add', ANN, 'ab' * 31), 66, b'64 hexadecimal digits'),
            (('add', 'nobody@example.test', cert), 67, b'nobody@example.test'),
            (('del', ANN, cert), 67, b'no such certificate')):
        done = office.run('account', 'cert', *words)
        assert done.returncode == code and said in done.stderr, (words, done)


def test_bad_configuration(office):
    path = office.path('restante.conf')
    with open(path, encoding='utf-8') as f:
        text = f.read()
    for wrong, said in (
            (text.replace('listen smtp {', 'listen smtp {\n\tclient_certificates = request'),
             b'client_certificates is for'),
            (text.replace('= request', '= maybe', 1), b'none or request')):
        with open(path, 'w', encoding='utf-8') as f:
            f.write(wrong)
        done = office.run('config', 'check')
        assert done.returncode == 78 and said in done.stderr, done
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
