"""Clients that nobody here wrote, each with certificate checking on, each failing with another CA."""

import os
import shutil
import subprocess

import messages
from office import HOST, PASSWORD, Skip, added

ANN, BOB = 'ann@example.test', 'bob@example.test'


def need(program):
    if shutil.which(program) is None:
        raise Skip(f'{program} is not installed')


def run(*command, stdin=b'', env=None):
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False,
                          env=env)


def good(done):
    assert done.returncode == 0, (done.returncode, done.stdout[-800:], done.stderr[-800:])
    return done.stdout


def bad(done, *words):
    """It failed, and for the reason we think."""
    text = (done.stdout + done.stderr).decode('utf-8', 'replace')
    assert done.returncode != 0, f'it succeeded: {text[-800:]}'
    assert any(w.lower() in text.lower() for w in words), text[-1500:]


def write(office, name, data):
    path = os.path.join(office.dir, name)
    with open(path, 'wb') as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    os.chmod(path, 0o600)
    return path


def other_ca(office):
    path = os.path.join(office.dir, 'other')
    if not os.path.isdir(path):
        done = run(os.environ.get('RESTANTE', 'build/restante'), 'init', '--domain', 'other.test',
                   '--hostname', 'mail.other.test', '--port-offset', '9000', '--state', path)
        good(done)
    return os.path.join(path, 'tls', 'cert.pem')


def curl(office, url, *options, ca=None):
    return run('curl', '-sS', '--max-time', '30', '--ssl-reqd', '--cacert', ca or office.ca, url,
               *options)


def curl_send(office, url, raw, ca=None):
    path = write(office, 'out.eml', raw)
    return curl(office, url, '--user', f'{ANN}:{PASSWORD}', '--mail-from', ANN, '--mail-rcpt', BOB,
                '--upload-file', path, ca=ca)


def test_curl(office):
    need('curl')
    for smtp, pop in (
            (f'smtp://{HOST}:{office.port("submission")}', f'pop3://{HOST}:{office.port("pop3")}/1'),
            (f'smtps://{HOST}:{office.port("submissions")}', f'pop3s://{HOST}:{office.port("pop3s")}/1')):
        raw = messages.attachments()
        good(curl_send(office, smtp, raw))
        got = good(curl(office, pop, '--user', f'{BOB}:{PASSWORD}'))
        added(got, raw)
        good(curl(office, pop, '--user', f'{BOB}:{PASSWORD}', '--request', 'DELE', '--list-only'))
        assert office.fetch(BOB) == []
        bad(curl_send(office, smtp, raw, ca=other_ca(office)), 'certificate')
        bad(curl(office, pop, '--user', f'{BOB}:{PASSWORD}', ca=other_ca(office)), 'certificate')
        bad(curl(office, pop, '--user', f'{BOB}:wrong'), 'denied')


def test_curl_every_mechanism(office):
    need('curl')
    for mechanism in ('PLAIN', 'LOGIN', 'SCRAM-SHA-256'):
        url = f'pop3s://{HOST}:{office.port("pop3s")}/'
        done = curl(office, url, '--user', f'{BOB}:{PASSWORD}', '--login-options',
                    f'AUTH={mechanism}')
        text = done.stderr.decode()
        if done.returncode == 67 and 'SCRAM' in mechanism and 'SCRAM' not in good(
                run('curl', '--version')).decode():
            continue  # this curl was built without GNU SASL
        assert done.returncode == 0, f'{mechanism}: {done.returncode} {text}'


def swaks(office, *options):
    # swaks 20201014 writes PLAIN's identity as the authorisation too, which must be taken.
    return run('swaks', '--timeout', '30', '--helo', 'client.test', *options)


def test_swaks_from_outside(office):
    need('swaks')
    raw = messages.plain(b'.\r\n..\r\n8-bit: \xe9\r\n')
    path = write(office, 'swaks.eml', raw)
    good(swaks(office, '--server', HOST, '--port', str(office.port('smtp')), '--from',
               'x@elsewhere.test', '--to', ANN, '--data', '@' + path))
    got = office.fetch_one(ANN)
    # swaks ends what it reads from a file with a line end of its own.
    assert b'\r\n.\r\n..\r\n8-bit: \xe9\r\n' in got, got


def test_swaks_submits(office):
    need('swaks')
    if b'TLS not available' in run('swaks', '--support').stdout:
        raise Skip('this swaks has no TLS (libnet-ssleay-perl)')
    for options in (('--port', str(office.port('submission')), '--tls'),
                    ('--port', str(office.port('submissions')), '--tls-on-connect')):
        for mechanism in ('PLAIN', 'LOGIN'):
            common = ('--server', HOST, *options, '--auth', mechanism, '--auth-user', ANN,
                      '--auth-password', PASSWORD, '--from', ANN, '--to', BOB,
                      '--tls-verify')
            good(swaks(office, *common, '--tls-ca-path', office.ca))
            assert b'Subject: test' in office.fetch_one(BOB)
            bad(swaks(office, *common, '--tls-ca-path', other_ca(office)), 'certificate', 'TLS')
            assert office.fetch(BOB) == []


def fetchmail(office, ca, ssl_words, port):
    out = os.path.join(office.dir, 'fetched')
    if os.path.exists(out):
        os.remove(out)
    rc = write(office, 'fetchmailrc', f'''
set no syslog
set no bouncemail
poll {HOST} protocol POP3 service {port}
  user "{BOB}" password "{PASSWORD}"
  {ssl_words} sslcertck sslcertfile "{ca}"
  mda "cat >> {out}"
  fetchall no keep no rewrite
''')
    env = dict(os.environ, HOME=office.dir, FETCHMAILHOME=office.dir)
    done = run('fetchmail', '-f', rc, '--pidfile', os.path.join(office.dir, 'fetchmail.pid'), '-N',
               '-v', '--nosyslog', env=env)
    data = b''
    if os.path.exists(out):
        with open(out, 'rb') as f:
            data = f.read()
    return done, data


def test_fetchmail(office):
    need('fetchmail')
    for words, name in (('sslproto "TLS1.2+"', 'pop3'), ('ssl', 'pop3s')):
        raw = messages.plain('.\r\n..\r\nnaïve\r\n'.encode(), 'fetchmail')
        office.deliver(raw, BOB)
        done, _ = fetchmail(office, other_ca(office), words, office.port(name))
        bad(done, 'certificate')
        done, data = fetchmail(office, office.ca, words, office.port(name))
        good(done)
        assert data.endswith(raw.split(b'\r\n\r\n', 1)[1].replace(b'\r\n', b'\n')), data[-300:]
        assert office.fetch(BOB) == []


def mpop(office, ca, method, port, implicit):
    box = os.path.join(office.dir, 'mpop.mbox')
    for name in ('mpop.mbox', 'mpop.uidls'):
        if os.path.exists(os.path.join(office.dir, name)):
            os.remove(os.path.join(office.dir, name))
    # mpop refuses a configuration that others may read, and keeps UIDLs where it is told.
    rc = write(office, 'mpoprc', f'''
account default
host {HOST}
port {port}
tls on
tls_starttls {'off' if implicit else 'on'}
tls_trust_file {ca}
auth {method}
user {BOB}
password "{PASSWORD}"
delivery mbox {box}
uidls_file {os.path.join(office.dir, 'mpop.uidls')}
keep off
''')
    done = run('mpop', '-C', rc, '-d', env=dict(os.environ, HOME=office.dir))
    data = b''
    if os.path.exists(box):
        with open(box, 'rb') as f:
            data = f.read()
    return done, data


def test_mpop(office):
    need('mpop')
    rows = [('user', False), ('user', True), ('plain', False), ('plain', True)]
    rows += [('login', True), ('scram-sha-256', False), ('scram-sha-256', True)]
    offered = run('mpop', '--version').stdout
    for method, implicit in rows:
        if method == 'scram-sha-256' and b'scram-sha-256' not in offered:
            continue
        port = office.port('pop3s' if implicit else 'pop3')
        raw = messages.plain(b'mpop\r\n', method)
        office.deliver(raw, BOB)
        done, _ = mpop(office, other_ca(office), method, port, implicit)
        bad(done, 'certificate', 'tls')
        done, data = mpop(office, office.ca, method, port, implicit)
        assert done.returncode == 0, (method, implicit, done.stdout[-500:], done.stderr[-500:])
        assert b'Subject: ' + method.encode() in data, data[-300:]
        assert office.fetch(BOB) == []


def scram(office, wire, mechanism, password, binding=None):
    """A SCRAM client of our own (RFC 5802, 7677), for what Debian's clients cannot do: -PLUS."""
    import base64
    import hashlib
    import hmac
    import secrets

    def b64(x):
        return base64.b64encode(x).decode()

    def mac(key, text):
        return hmac.new(key, text, hashlib.sha256).digest()

    gs2 = b'p=tls-exporter,,' if binding is not None else b'n,,'
    nonce = secrets.token_hex(12).encode()
    bare = b'n=' + BOB.encode() + b',r=' + nonce
    answer = wire.pop(f'AUTH {mechanism} {b64(gs2 + bare)}')
    assert answer.startswith('+ '), answer
    first = base64.b64decode(answer[2:])
    parts = dict(p.split(b'=', 1) for p in first.split(b','))
    assert parts[b'r'].startswith(nonce)
    assert int(parts[b'i']) >= 4096, parts
    salted = hashlib.pbkdf2_hmac('sha256', password.encode(), base64.b64decode(parts[b's']),
                                 int(parts[b'i']))
    final = b'c=' + base64.b64encode(gs2 + (binding or b'')) + b',r=' + parts[b'r']
    message = bare + b',' + first + b',' + final
    client = mac(salted, b'Client Key')
    proof = bytes(a ^ b for a, b in zip(client, mac(hashlib.sha256(client).digest(), message)))
    answer = wire.pop(b64(final + b',p=' + base64.b64encode(proof)))
    if answer.startswith('+ '):
        signature = mac(mac(salted, b'Server Key'), message)
        said = base64.b64decode(answer[2:])
        assert said == b'v=' + base64.b64encode(signature), said
        answer = wire.pop('')
    return answer


def test_scram_without_binding(office):
    with office.wire('pop3s') as w:
        w.line()
        assert scram(office, w, 'SCRAM-SHA-256', PASSWORD).startswith('+OK')
    with office.wire('pop3s') as w:
        w.line()
        assert scram(office, w, 'SCRAM-SHA-256', 'wrong').startswith('-ERR [AUTH]')


def test_scram_plus_is_offered_under_tls_only(office):
    with office.wire('pop3s') as w:
        w.line()
        assert w.pop('CAPA').startswith('+OK')
        sasl = [c for c in w.multi() if c.upper().startswith(b'SASL')]
        assert sasl and b'SCRAM-SHA-256-PLUS' in sasl[0], sasl
        # A wrong binding: somebody sits in between.
        answer = scram(office, w, 'SCRAM-SHA-256-PLUS', PASSWORD, binding=bytes(32))
        assert answer.startswith('-ERR'), answer


def test_openssl_client_gets_no_renegotiation_and_no_foreign_alpn(office):
    need('openssl')
    where = ('-connect', f'127.0.0.1:{office.port("pop3s")}', '-CAfile', office.ca,
             '-verify_return_error', '-verify_hostname', HOST)
    done = run('openssl', 's_client', *where, '-alpn', 'h2,http/1.1', '-quiet', stdin=b'')
    bad(done, 'alert')
    done = run('openssl', 's_client', *where, '-alpn', 'pop3', '-brief', stdin=b'QUIT\r\n')
    assert b'CONNECTION ESTABLISHED' in done.stderr, done.stderr
    for old in ('-tls1', '-tls1_1'):
        done = run('openssl', 's_client', *where, old, '-cipher', 'ALL:@SECLEVEL=0', stdin=b'')
        bad(done, 'alert', 'wrong', 'protocol', 'handshake')
