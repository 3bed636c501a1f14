"""What mail clients find when they ask how they are to be set up, and other servers the policy."""

import http.client
import plistlib
import socket
import ssl
import subprocess
import xml.etree.ElementTree as ElementTree

from office import Wire, wait_until

ANN = 'ann@example.test'
MOZILLA = '/mail/config-v1.1.xml'
REQUEST = ('<?xml version="1.0"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/'
           'requestschema/2006"><Request><EMailAddress>{}</EMailAddress><AcceptableResponseSchema>x'
           '</AcceptableResponseSchema></Request></Autodiscover>')


def get(office, path, host='autoconfig.example.test', method='GET', body=None, name='https'):
    context = office.tls()
    context.set_alpn_protocols(['h2', 'http/1.1'])
    c = http.client.HTTPSConnection('localhost', office.port(name), context=context, timeout=20) if name == 'https' \
        else http.client.HTTPConnection('127.0.0.1', office.port(name), timeout=20)
    c.request(method, path, body=body, headers={'Host': host})
    r = c.getresponse()
    text = r.read()
    c.close()
    return r, text


def servers(office, text):
    """[(kind, type, host, port, TLS)]"""
    root = ElementTree.fromstring(text)
    provider = root.find('emailProvider')
    assert root.tag == 'clientConfig' and root.get('version') == '1.1'
    assert all(s.findtext('username') == '%EMAILADDRESS%' for s in provider if s.tag.endswith('Server'))
    return provider.findtext('domain'), [
        (s.tag, s.get('type'), s.findtext('hostname'), int(s.findtext('port')), s.findtext('socketType'))
        for s in provider if s.tag.endswith('Server')]


def test_thunderbird(office):
    host = office.json('config', 'show')['hostname']
    wanted = [('incomingServer', 'pop3', host, office.port('pop3s'), 'SSL'),
              ('outgoingServer', 'smtp', host, office.port('submissions'), 'SSL')]
    for path, who, domain in ((MOZILLA, 'autoconfig.example.test', 'example.test'),
                              (f'/.well-known/autoconfig{MOZILLA}', 'example.test', 'example.test'),
                              (f'{MOZILLA}?emailaddress=ann%40other.test', 'autoconfig.example.test', 'other.test')):
        r, text = get(office, path, who)
        assert r.status == 200 and r.getheader('Content-Type') == 'text/xml', (path, r.status)
        assert servers(office, text) == (domain, wanted), text
        assert get(office, path, who, name='http')[1] == text
        head = get(office, path, who, method='HEAD')
        assert head[1] == b'' and int(head[0].getheader('Content-Length')) == len(text)
    for bad in ('autoconfig.<x>', 'autoconfig.', '', 'autoconfig.a..b'):
        assert get(office, MOZILLA, bad)[0].status == 404, bad
    wait_until(lambda: f'event=http.session' in office.log_tail() and f'path={MOZILLA} code=200 tls=TLSv1.3'
               in office.log_tail(), 5, 'the request is in the log')


def test_a_client_believes_it(office):
    """The servers that are named are there, and take the login."""
    _, found = servers(office, get(office, MOZILLA)[1])
    with Wire(found[0][3], office.tls()) as w:
        assert w.line().startswith(b'+OK')
        assert w.pop(f'USER {ANN}').startswith('+OK')
    with Wire(found[1][3], office.tls()) as w:
        assert w.reply().startswith('220')


def test_outlook(office):
    space = '{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}'
    for path in ('/autodiscover/autodiscover.xml', '/Autodiscover/Autodiscover.xml'):
        r, text = get(office, path, 'autodiscover.example.test', 'POST', REQUEST.format(' ann@example.test '))
        rows = ElementTree.fromstring(text).findall(f'.//{space}Protocol')
        assert r.status == 200 and [(p.findtext(f'{space}Type'), int(p.findtext(f'{space}Port')),
                                     p.findtext(f'{space}LoginName'), p.findtext(f'{space}SSL')) for p in rows] == [
            ('POP3', office.port('pop3s'), ANN, 'on'), ('SMTP', office.port('submissions'), ANN, 'on')], text
    r, _ = get(office, '/autodiscover/autodiscover.xml')
    assert r.status == 405 and r.getheader('Allow') == 'POST'
    for body in ('', '<x/>', REQUEST.format(''), REQUEST.format('no address'), REQUEST.format('a@b\r\nc@d'),
                 '<EMailAddress>' * 1000):
        assert get(office, '/autodiscover/autodiscover.xml', method='POST', body=body)[0].status == 404, body
    # A client that waits for the word to go on.
    done = subprocess.run(['curl', '-s', '--cacert', office.path('tls', 'cert.pem'), '-H', 'Expect: 100-continue',
                           '--expect100-timeout', '30', '-d', REQUEST.format('"a&b"@example.test'),
                           f'https://localhost:{office.port("https")}/autodiscover/autodiscover.xml'],
                          capture_output=True, timeout=20, check=True)
    assert b'<LoginName>&quot;a&amp;b&quot;@example.test</LoginName>' in done.stdout, done


def test_apple(office):
    r, text = get(office, '/profile.mobileconfig?emailaddress=ann%40example.test')
    profile = plistlib.loads(text)
    account = profile['PayloadContent'][0]
    assert r.getheader('Content-Type') == 'application/x-apple-aspen-config'
    assert (account['EmailAccountType'], account['EmailAddress'], account['IncomingMailServerUsername'],
            account['IncomingMailServerPortNumber'], account['OutgoingMailServerPortNumber']) == (
                'EmailTypePOP', ANN, ANN, office.port('pop3s'), office.port('submissions')), account
    assert account['PayloadUUID'] != profile['PayloadUUID']
    assert get(office, '/profile.mobileconfig?emailaddress=ann%40example.test')[1] == text
    for bad in ('', '?emailaddress=', '?emailaddress=a%40b%3Cc', '?emailaddress=%00'):
        assert get(office, f'/profile.mobileconfig{bad}')[0].status == 404, bad


def test_the_policy(office):
    r, text = get(office, '/.well-known/mta-sts.txt', 'mta-sts.example.test')
    host = office.json('config', 'show')['hostname']
    assert r.status == 200 and r.getheader('Content-Type') == 'text/plain'
    assert text == f'version: STSv1\r\nmode: enforce\r\nmx: {host}\r\nmax_age: 604800\r\n'.encode()
    assert get(office, '/.well-known/mta-sts.txt', 'example.test')[0].status == 404
    assert get(office, '/.well-known/mta-sts.txt', 'mta-sts.example.test', name='http')[0].status == 404


def test_strangers(office):
    assert get(office, '/')[0].status == 404 and get(office, '/../etc/passwd')[0].status == 404
    assert get(office, MOZILLA, method='POST', body='x')[0].status == 405
    with socket.create_connection(('127.0.0.1', office.port('http'))) as s:
        s.sendall(b'\x16\x03\x01\x02\x00\r\n\r\n')
        assert s.recv(1000).startswith(b'HTTP/1.1 400 ')
    with socket.create_connection(('127.0.0.1', office.port('http'))) as s:
        s.sendall(b'GET /a\x1b[2J HTTP/1.1\r\nHost: x\r\n\r\n')
        assert s.recv(1000).startswith(b'HTTP/1.1 400 ')
    # A mail client that was led here is told that this is not its protocol (RFC 7301 3.2).
    context = office.tls()
    context.set_alpn_protocols(['pop3'])
    try:
        with socket.create_connection(('127.0.0.1', office.port('https'))) as s, \
                context.wrap_socket(s, server_hostname='localhost'):
            raise AssertionError('POP3 was spoken with')
    except ssl.SSLError as e:
        assert 'no_application_protocol' in str(e).lower().replace(' ', '_'), e


def test_dns_names_them(office):
    host = office.json('config', 'show')['hostname']
    zone = office.must('dns', 'example.test').decode()
    for name in ('autoconfig', 'autodiscover', 'mta-sts'):
        assert f'\n{name}.example.test. IN CNAME {host}.\n' in zone, zone
    assert 'this server has it under' in zone
    with open(office.path('restante.conf'), encoding='utf-8') as f:
        text = f.read()
    with open(office.path('restante.conf'), 'w', encoding='utf-8') as f:
        f.write(text.replace('listen https {', 'listen web {\n\tprotocol = http\n\ttls = none'))
    zone = office.must('dns', 'example.test').decode()
    with open(office.path('restante.conf'), 'w', encoding='utf-8') as f:
        f.write(text.replace('listen https {', 'listen https {\n\ttls = starttls'))
    done = office.run('config', 'check')
    with open(office.path('restante.conf'), 'w', encoding='utf-8') as f:
        f.write(text)
    assert '\n; mta-sts.example.test. IN CNAME' in zone and 'or listen https' in zone, zone
    assert done.returncode == 78 and b'HTTP has no STARTTLS' in done.stderr, done
