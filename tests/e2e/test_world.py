"""Mail across a small world of its own (world.py): other people's servers, DNS with signed zones, hosts
that are down, wrong or hostile."""

import contextlib
import email
import email.policy
import os
import smtplib
import socket
import subprocess
import threading
import time

import peer
import world
from office import Skip, wait_until

OFFICE = {'config': 'carriers = 0\n'}


class Parts(dict):
    """What the first test made; without it the others have nothing to say."""
    def __missing__(self, key):
        raise Skip(f'the world has no {key}')


W = Parts()
OTHERS = {'postfix': (20, world.postfix), 'exim': (21, world.exim), 'opensmtpd': (22, world.opensmtpd)}


def tlsa(cert):
    """The data of a TLSA record 3 1 1 (RFC 6698)."""
    key = subprocess.run(f'openssl x509 -in {cert} -noout -pubkey | openssl pkey -pubin -outform DER | openssl sha256 -r',
                         shell=True, check=True, capture_output=True, text=True).stdout
    return '3 1 1 ' + key.split()[0]


def add_peer(name, last, rows, signed=False, **how):
    """A server that does as it is told, and the zone of its domain; {} in rows is its address."""
    hosts = W['w'].hosts
    address = hosts['peers'].also(last)
    with hosts['peers'].inside():
        W[name] = peer.Peer(address=address, port=25, **how)
    W['w'].zone(f'{name}.test', [r.format(address) for r in rows], signed)


def add_others(w, tls):
    for name, (last, _) in OTHERS.items():
        host = w.host(name, last)
        rows = ['@ IN MX 10 mail', f'mail IN A {host.address}']
        if name == 'postfix':
            rows.append(f'_25._tcp.mail IN TLSA {tlsa(tls[0])}')
        w.zone(f'{name}.test', rows, signed=name != 'exim')


def add_peers(w, tls):
    w.host('peers', 30)
    one = ['@ IN MX 10 mail', 'mail IN A {}']
    add_peer('grey', 31, one, replies={'RCPT': ['451 4.7.1 greylisted', '250 2.1.5 ok']})
    add_peer('dane', 32, one + [f'_25._tcp.mail IN TLSA {tlsa(tls[0])}'], signed=True, tls=tls)
    add_peer('wrong', 33, one + ['_25._tcp.mail IN TLSA 3 1 1 ' + '00' * 32], signed=True, tls=tls)
    add_peer('strange', 35, one + ['_25._tcp.mail IN TLSA 3 1 1 ' + '11' * 32], signed=True, tls=tls)
    add_peer('stripped', 34, one + [f'_25._tcp.mail IN TLSA {tlsa(tls[0])}'], signed=True)
    # The best host is not there, the second turns everybody away, the third takes it.
    add_peer('second', 36, one, replies={'greeting': '421 4.3.2 too busy'})
    add_peer('three', 37, ['@ IN MX 10 down', f'down IN A {world.NET}.99', '@ IN MX 20 mail.second.test.',
                           '@ IN MX 30 mail', 'mail IN A {}'])
    add_peer('nomx', 38, ['@ IN A {}'])
    w.zone('null.test', ['@ IN MX 0 .'])
    w.zone('self.test', ['@ IN MX 10 mail.a.test.', '@ IN MX 20 mail.grey.test.'])
    w.zone('gone.test', ['x IN A 192.0.2.1'])
    w.zone('inward.test', ['@ IN MX 10 mail', 'mail IN A 127.0.0.1'])
    # Nobody is there; they say no for good; they are not who DNS says.
    w.zone('dark.test', ['@ IN MX 10 mail', f'mail IN A {world.NET}.98', '@ IN MX 20 mail.second.test.'])
    add_peer('never', 72, one, replies={'RCPT': '550 5.1.1 no such user'})
    # Two domains of one provider, which looks how many come at once.
    def count(c, _line):
        W['now'] = W.get('now', 0) + 1
        W['most'] = max(W.get('most', 0), W['now'])
        time.sleep(0.1)
        W['now'] -= 1
        return '250 2.0.0 taken'
    add_peer('many', 73, one, replies={'.': count})
    w.zone('many2.test', ['@ IN MX 10 mail.many.test.'])
    # Only over IPv6.
    with w.hosts['peers'].inside():
        W['six'] = peer.Peer(address='fd77::30', port=25)
    w.zone('six.test', ['@ IN MX 10 mail', 'mail IN AAAA fd77::30'])


STS = 'version: STSv1\nmode: {}\nmx: {}\nmax_age: 86400\n'


def add_policies(w):
    """MTA-STS (RFC 8461): who has which policy, and which certificate its mail host shows."""
    names = ('sts', 'stswrong', 'ststest', 'stsother')
    ca = W['ca'] = peer.certificate(w.dir, 'ca', ('ca.test',))
    good = peer.certificate(w.dir, 'mx', tuple(f'mail.{n}.test' for n in names), ca=ca)
    bad = peer.certificate(w.dir, 'stranger', ('elsewhere.test',))
    web = peer.certificate(w.dir, 'web', tuple(f'mta-sts.{n}.test' for n in names), ca=ca)
    address = w.hosts['peers'].also(50)
    rows = ['@ IN MX 10 mail', 'mail IN A {}', '_mta-sts IN TXT "v=STSv1; id=20261122;"']
    for n, tls in (('sts', good), ('stswrong', bad), ('ststest', bad), ('stsother', good), ('stsweb', bad)):
        add_peer(n, 51 + len(W), rows + [f'mta-sts IN A {address}'], tls=tls)
    texts = {f'mta-sts.{n}.test': STS.format('testing' if n == 'ststest' else 'enforce',
                                             'mx.elsewhere.test' if n == 'stsother' else f'*.{n}.test') for n in names}
    # Its certificate names all but this one, so nobody may believe the policy.
    texts['mta-sts.stsweb.test'] = STS.format('enforce', 'mx.elsewhere.test')
    with w.hosts['peers'].inside():
        W['policies'] = peer.Policies(texts, web, address)


LEVELS = {'lnone': 'none', 'lencrypt': 'encrypt', 'lverify': 'verify', 'ldane': 'dane', 'lbackup': 'verify'}


def add_levels(w, tls):
    """Domains for which the administrator wants a level, all behind a certificate that nobody vouches for."""
    for i, name in enumerate(LEVELS):
        add_peer(name, 120 + i, ['@ IN MX 10 mail', 'mail IN A {}'], tls=tls)
    return ''.join(f'tls_policy "{name}.test" {{\n level = {level}\n}}\n' for name, level in LEVELS.items())


def route(domain, port=25, **settings):
    return f'route "{domain}" {{\n' + ''.join(f' {k} = {v}\n' for k, v in settings.items()) + f' port = {port}\n}}\n'


def test_the_world_opens(_office):
    w = W['w'] = world.World()
    tls = peer.certificate(w.dir, 'other', ('mail.postfix.test', 'mail.exim.test', 'mail.opensmtpd.test',
                                            'mail.dane.test'))
    add_others(w, tls)
    add_peers(w, tls)
    add_policies(w)
    levels = add_levels(w, tls) + 'route "lbackup.test" {\n backup_mx = yes\n}\n'
    slowly = 'limit ".many.test" {\n connections = 1\n}\n'
    round_and_round = slowly + 'received_max = 20\n' + route('loop.test', relay='"{}"', backup_mx='yes') + f'tls_ca_file = "{W["ca"][0]}"\n'
    a = W['a'] = w.office('a', 10, 'a.test', levels + round_and_round.replace('{}', f'{world.NET}.11'))
    add_peer('spare', 70, [])
    out = (f'source "b.test" {{\n ipv4 = "{world.NET}.71"\n ipv6 = "fd77::71"\n helo = "mx71.b.test"\n}}\n'
           f'fallback_relay {{\n host = "{W["spare"].address}"\n}}\nsmtp_client_connect_timeout = 2s\n')
    b = W['b'] = w.office('b', 11, 'b.test', out + 'sender_login_match = no\n' + round_and_round.replace('{}', f'{world.NET}.10'))
    b.host.also(71)
    for o in (a, b):
        w.zone(o.domain, ['@ IN MX 10 mail', f'mail IN A {o.host.address}'])
    w.start_dns()
    W['missing'] = {}
    for name, (_, start) in OTHERS.items():
        try:
            start(w.hosts[name], f'{name}.test', 'eve', tls)
        except Skip as why:
            W['missing'][name] = why
    a.open()
    b.open()
    router = w.host('router', 14)
    d = W['d'] = w.office('d', 13, 'd.test')
    d.config = d.config.replace(f'dns_resolver = "{w.dns.address}"', f'dns_resolver = "{router.address}"')
    d.open()
    c = W['c'] = w.office('c', 12, 'c.test', 'smarthost {\n host = "mail.b.test"\n user = "ann@b.test"\n'
                          f' password = "open sesame 1"\n}}\ntls_ca_file = "{b.ca}"\n')
    c.open()


def fetch(office, user=None):
    with office.host.inside():
        return office.fetch(user)


def comes(office, text, seconds=60, user=None):
    """The message that holds the text; it stays."""
    def there():
        with office.host.inside():
            return [m for m in office.fetch(user, delete=False) if text.encode() in m]
    return wait_until(there, seconds, f'"{text}" comes to {office.domain}')[0]


def send(office, to, subject, field='', options=()):
    with office.host.inside(), office.submit() as s:
        s.sendmail(office.ann, [to] if isinstance(to, str) else to,
                   f'From: {office.ann}\r\nSubject: {subject}\r\n{field}\r\nhello\r\n', mail_options=options)


def log_has(office, event, **fields):
    def found():
        with open(office.log, encoding='utf-8', errors='replace') as f:
            return [x for x in f if f'event={event} ' in x and all(f'{k}={v}' in x for k, v in fields.items())]
    return wait_until(found, 30, f'{event} {fields} in the log')[-1]


def bounce(office, to):
    """Fields of the recipient's part of the notice."""
    raw = comes(office, f'rfc822; {to}')
    m = email.message_from_bytes(raw, policy=email.policy.default)
    assert m['From'].startswith('"Mail Delivery') or 'MAILER-DAEMON' in m['From'], m['From']
    return dict(list(m.iter_parts())[1].get_payload()[1].items())


def other(name):
    if name in W['missing']:
        raise W['missing'][name]
    return W['w'].hosts[name]


def from_other(name):
    """The other server takes it on its own machine and delivers it to ours."""
    with other(name).inside(), \
            smtplib.SMTP('127.0.0.1', 25, local_hostname=f'mail.{name}.test', timeout=30) as s:
        s.sendmail(f'eve@{name}.test', [W['a'].ann], f'Subject: from {name}\r\n\r\nhello\r\n')
    comes(W['a'], f'Subject: from {name}')


def to_other(name, level):
    subject, host = f'to {name}', other(name)
    send(W['a'], f'eve@{name}.test', subject)
    wait_until(lambda: [m for m in host.mail() if subject.encode() in m], 60, subject)
    log_has(W['a'], 'carrier.delivered', to=f'eve@{name}.test', **({'tls': level} if level else {}))


def test_from_postfix(_office):
    from_other('postfix')


def test_from_exim(_office):
    from_other('exim')


def test_from_opensmtpd(_office):
    from_other('opensmtpd')


def test_to_postfix(_office):
    to_other('postfix', 'dane')


def test_to_exim(_office):
    to_other('exim', 'encrypted')


def test_to_opensmtpd(_office):
    # Debian 12's breaks every handshake that it serves ("EVP lib"), so the mail comes without TLS.
    to_other('opensmtpd', '')


def test_refused_by_the_others(_office):
    for name in set(OTHERS) - set(W['missing']):
        send(W['a'], f'nobody@{name}.test', f'refused by {name}')
        assert bounce(W['a'], f'nobody@{name}.test')['Status'].startswith('5.'), name


def test_between_offices(_office):
    for here, there in (('a', 'b'), ('b', 'a')):
        send(W[here], W[there].ann, f'{here} to {there}')
        got = comes(W[there], f'Subject: {here} to {there}')
        assert f'Return-Path: <ann@{here}.test>'.encode() in got, got
        assert b'TLS' in got.split(b'Subject:')[0], got


def test_greylisted(_office):
    send(W['a'], 'x@grey.test', 'grey')
    wait_until(lambda: W['grey'].messages, 30, 'taken the second time')
    log_has(W['a'], 'carrier.deferred', to='x@grey.test', status='4.7.1')


def test_dane(_office):
    send(W['a'], 'x@dane.test', 'dane')
    wait_until(lambda: W['dane'].messages, 30, 'taken')
    log_has(W['a'], 'carrier.delivered', to='x@dane.test', tls='dane')


def test_dane_with_another_key(_office):
    send(W['a'], 'x@wrong.test', 'wrong')
    log_has(W['a'], 'carrier.deferred', to='x@wrong.test', status='4.7.5')
    assert not W['wrong'].messages and not W['wrong'].said('MAIL')


def test_dane_without_starttls(_office):
    send(W['a'], 'x@stripped.test', 'stripped')
    log_has(W['a'], 'carrier.deferred', to='x@stripped.test')
    assert not W['stripped'].messages and not W['stripped'].said('MAIL')


def test_tls_policy(_office):
    for name in LEVELS:
        send(W['a'], f'x@{name}.test', name)
    log_has(W['a'], 'carrier.delivered', to='x@lnone.test', tls='clear')
    log_has(W['a'], 'carrier.delivered', to='x@lencrypt.test', tls='encrypted')
    for name in ('lverify', 'ldane', 'lbackup'):
        log_has(W['a'], 'carrier.deferred', to=f'x@{name}.test', status='4.7.5')
        assert not W[name].messages and not W[name].said('MAIL'), name


def test_mta_sts(_office):
    send(W['a'], 'x@sts.test', 'sts')
    wait_until(lambda: W['sts'].messages, 30, 'taken')
    log_has(W['a'], 'carrier.delivered', to='x@sts.test', tls='verified')


def test_mta_sts_wrong_certificate(_office):
    send(W['a'], 'x@stswrong.test', 'stswrong')
    log_has(W['a'], 'carrier.deferred', to='x@stswrong.test', status='4.7.5')
    assert not W['stswrong'].messages and not W['stswrong'].said('MAIL')


def test_mta_sts_other_host(_office):
    send(W['a'], 'x@stsother.test', 'stsother')
    log_has(W['a'], 'carrier.deferred', to='x@stsother.test', status='4.7.5')
    assert W['stsother'].connections == 0


def test_mta_sts_testing(_office):
    send(W['a'], 'x@ststest.test', 'ststest')
    wait_until(lambda: W['ststest'].messages, 30, 'taken')


def test_mta_sts_policy_nobody_can_believe(_office):
    send(W['a'], 'x@stsweb.test', 'stsweb')
    wait_until(lambda: W['stsweb'].messages, 60, 'taken')


def test_mta_sts_without_libcurl(_office):
    """What is known of a domain binds still, other mail goes, and one line says what to install."""
    w, missing = W['w'], os.path.join(W['w'].dir, 'without')
    os.mkdir(missing)
    with open(os.path.join(missing, 'libcurl.so.4'), 'wb'):
        pass
    e = w.office('e', 15, 'e.test', f'tls_ca_file = "{W["ca"][0]}"\n')
    e.open()
    send(e, 'first@stswrong.test', 'first')
    log_has(e, 'carrier.deferred', to='first@stswrong.test', status='4.7.5')
    e.stop()
    e.start(before=[*e.host.exec(), 'env', f'LD_LIBRARY_PATH={missing}'])
    log_has(e, 'web.no-libcurl')
    send(e, 'second@stswrong.test', 'second')
    log_has(e, 'carrier.deferred', to='second@stswrong.test', status='4.7.5')
    assert not W['stswrong'].messages
    send(e, 'nopolicy@sts.test', 'nopolicy')
    log_has(e, 'carrier.delivered', to='nopolicy@sts.test', tls='encrypted')
    send(e, 'nopolicy@dane.test', 'nopolicy')
    log_has(e, 'carrier.delivered', to='nopolicy@dane.test', tls='dane')
    e.stop()
    with open(e.log, encoding='utf-8') as f:
        text = f.read()
    told = [x for x in text.splitlines() if 'event=web.no-libcurl ' in x]
    assert len(told) == 1 and 'install libcurl4' in told[0], told
    assert 'event=web.failed' not in text and 'event=serve.child-died' not in text, text
    e.start()
    send(e, 'again@sts.test', 'again')
    log_has(e, 'carrier.delivered', to='again@sts.test', tls='verified')


def test_tls_required_no(_office):
    """RFC 8689: what the domain publishes does not bind such mail, and still binds all other."""
    b, no = W['b'], 'TLS-Required: No\r\n'
    for name, level in (('strange', 'encrypted'), ('stripped', 'clear'), ('stsother', 'encrypted')):
        before = len(W[name].messages)
        send(b, f'no@{name}.test', f'no {name}', no)
        log_has(b, 'carrier.delivered', to=f'no@{name}.test', tls=level)
        log_has(b, 'carrier.tls-optional', site=f'mx:{name}.test')
        assert len(W[name].messages) == before + 1, name
        assert no.encode() in W[name].messages[-1].octets, name  # passed on (4.2.2)
        send(b, f'must@{name}.test', f'must {name}', no, ['REQUIRETLS'])  # which counts more (4.1)
        if name != 'stsother':
            assert bounce(b, f'must@{name}.test')['Status'].startswith('5.7.'), name
        send(b, f'other@{name}.test', f'other {name}')  # not on the session that waits there
        log_has(b, 'carrier.deferred', to=f'other@{name}.test')
        assert len(W[name].messages) == before + 1, name
    send(b, 'no@never.test', 'never', no)
    told = comes(b, 'rfc822; no@never.test')
    assert no[:-2].encode() in told.split(b'\r\n\r\n')[0], told  # 6


def test_next_host(_office):
    send(W['a'], 'x@three.test', 'three')
    wait_until(lambda: W['three'].messages, 30, 'the third host takes it')
    assert W['second'].connections >= 1
    log_has(W['a'], 'carrier.delivered', to='x@three.test')
    log_lines = log_has(W['a'], 'carrier.delivered', to='x@three.test')
    assert 'attempt=1' in log_lines, log_lines


def test_no_mx(_office):
    send(W['a'], 'x@nomx.test', 'nomx')
    wait_until(lambda: W['nomx'].messages, 30, 'taken')


def test_ipv6(_office):
    send(W['a'], 'x@six.test', 'six')
    wait_until(lambda: W['six'].messages, 30, 'taken')
    assert 'fd77::30' in log_has(W['a'], 'carrier.delivered', to='x@six.test')


def test_a_provider_with_two_domains(_office):
    for i in range(2):
        for domain in ('many', 'many2'):
            send(W['a'], f'x{i}@{domain}.test', f'many {i}')
        wait_until(lambda n=2 * (i + 1): len(W['many'].messages) == n, 30, 'taken')
    W['most'] = 0
    for i in range(5):
        for domain in ('many', 'many2'):
            send(W['a'], f'y{i}@{domain}.test', f'more {i}')
    wait_until(lambda: len(W['many'].messages) == 14, 30, 'all of them')
    assert W['most'] == 1, W['most']


def test_where_mail_leaves_from(_office):
    send(W['b'], ['x@nomx.test', 'x@six.test'], 'from 71')
    for name, address in (('nomx', f'{world.NET}.71'), ('six', 'fd77::71')):
        wait_until(lambda n=name: [m for m in W[n].messages if b'from 71' in m.octets], 30, 'taken')
        assert W[name].clients[-1] == address, W[name].clients
        assert W[name].said('EHLO')[-1] == 'EHLO mx71.b.test', W[name].said('EHLO')
    rows = W['b'].json('explain', 'rcpt', '--from', W['b'].ann, '--auth', W['b'].ann, '--to', 'x@nomx.test', '--ip', '::1')
    assert [(r['result'], r['rule']) for r in rows if r['step'] == 'source'] == [
        (f'{world.NET}.71', 'source "b.test"')], rows


def test_fallback_relay(_office):
    send(W['b'], 'x@dark.test', 'fallback')
    wait_until(lambda: W['spare'].messages, 60, 'the fallback takes it')
    assert W['spare'].messages[0].recipients == ['x@dark.test']
    log_has(W['b'], 'carrier.fallback', site='mx:dark.test', host=W['spare'].address)
    log_has(W['b'], 'carrier.delivered', to='x@dark.test', attempt='1')


def test_no_fallback_from_an_answer(_office):
    """Neither for what is refused for good or put off, nor around what the domain demands of TLS."""
    before = len(W['spare'].messages)
    send(W['b'], ['x@never.test', 'x@wrong.test', 'y@grey.test', 'x@null.test', 'x@gone.test'], 'no fallback')
    for to in ('x@never.test', 'x@null.test', 'x@gone.test'):
        assert bounce(W['b'], to)['Status'].startswith('5.'), to
    log_has(W['b'], 'carrier.deferred', to='x@wrong.test', status='4.7.5')
    wait_until(lambda: [m for m in W['grey'].messages if m.recipients == ['y@grey.test']], 30, 'taken by themselves')
    assert len(W['spare'].messages) == before, [m.recipients for m in W['spare'].messages]


class Dumb:
    """A DNS server like that of many a home router: it hands questions on without EDNS, so that no signature comes."""

    def __init__(self, host, to):
        with host.inside():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((host.address, 53))
        self.host, self.to, self.whole = host, (to, 53), False
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                octets, client = self.socket.recvfrom(4096)
            except OSError:
                return
            if not self.whole:  # no additional section (RFC 1035 4.1.1): OPT was all there is in it
                end = 12
                while octets[end] != 0:
                    end += octets[end] + 1
                octets = octets[:10] + b'\0\0' + octets[12:end + 5]
            with self.host.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as up:
                up.settimeout(5)
                up.sendto(octets, self.to)
                with contextlib.suppress(OSError):
                    self.socket.sendto(up.recv(4096), client)


def status(office):
    return office.json('status')[0]


def test_a_resolver_that_strips_signatures(_office):
    w, d = W['w'], W['d']
    router = w.hosts['router']
    # Nobody is there.
    wait_until(lambda: status(d)['dns'] == 'silent', 60, status(d))
    log_has(d, 'carrier.dns-trouble', state='silent')
    # It is switched on: mail goes, also where only DANE would stop it.
    dumb = Dumb(router, w.dns.address)
    wait_until(lambda: status(d)['dns'] == 'stripped', 60, status(d))
    log_has(d, 'carrier.dns-trouble', state='stripped')
    send(d, 'x@dane.test', 'through the router')
    wait_until(lambda: [m for m in W['dane'].messages if b'through the router' in m.octets], 60, 'taken')
    log_has(d, 'carrier.delivered', to='x@dane.test', tls='encrypted')
    # Whoever asks for DNSSEC does not get mail out this way.
    with open(f'{d.state}/restante.conf', 'a', encoding='utf-8') as f:
        f.write('\ndnssec_required = yes\n')
    with d.host.inside():
        d.stop()
        d.start()
    wait_until(lambda: status(d)['dns'] == 'stripped', 60, status(d))
    send(d, 'y@dane.test', 'insists')
    log_has(d, 'carrier.deferred', to='y@dane.test', status='4.7.5')
    assert status(d)['waiting'] == 1 and status(d)['served'] is True
    # One that hands everything on is trusted, and from then on nothing else is.
    dumb.whole = True
    with d.host.inside():
        d.stop()
        d.start()
    wait_until(lambda: status(d)['dns'] == 'valid', 60, status(d))
    wait_until(lambda: [m for m in W['dane'].messages if b'insists' in m.octets], 60, 'taken')
    log_has(d, 'carrier.delivered', to='y@dane.test', tls='dane')
    dumb.socket.close()


def test_null_mx(_office):
    send(W['a'], 'x@null.test', 'null')
    assert bounce(W['a'], 'x@null.test')['Status'] == '5.1.10'


def test_mx_is_us(_office):
    send(W['a'], 'x@self.test', 'self')
    assert bounce(W['a'], 'x@self.test')['Status'] == '5.4.6'


def test_no_such_domain(_office):
    for domain in ('nowhere.gone.test', 'gone.test'):
        send(W['a'], f'x@{domain}', 'gone')
        assert bounce(W['a'], f'x@{domain}')['Status'].startswith('5.'), domain


def test_rerouted_to_no_such_domain(_office):
    # A slip of the administrator: it waits for another word of his, and no sender hears of it.
    send(W['a'], 'x@wrong.test', 'slip')
    log_has(W['a'], 'carrier.deferred', to='x@wrong.test')
    wait_until(lambda: not W['a'].run('queue', 'reroute', '--recipient', 'x@wrong.test', '--to',
                                      'mx:gone.test').returncode, 20, 'the order is taken')
    log_has(W['a'], 'carrier.deferred', to='x@wrong.test', site='mx:gone.test', status='4.4.4')
    wait_until(lambda: not W['a'].run('queue', 'drop', '--recipient', 'x@wrong.test').returncode, 20,
               'it is dropped')


def test_mx_on_loopback(_office):
    # It would be ourselves, whatever name it has.
    send(W['a'], 'x@inward.test', 'inward')
    assert bounce(W['a'], 'x@inward.test')['Status'].startswith('5.')


def test_smarthost(_office):
    send(W['c'], W['a'].ann, 'by smarthost')
    got = comes(W['a'], 'Subject: by smarthost')
    assert got.count(b'Received: ') >= 3, got
    log_has(W['c'], 'carrier.delivered', to=W['a'].ann, tls='verified')


def test_mail_loop(_office):
    send(W['a'], 'x@loop.test', 'loop')
    assert bounce(W['a'], 'x@loop.test')['Status'] == '5.4.6'


def test_the_world_closes(_office):
    for o in W['w'].offices:
        o.check_log()
    W['w'].close()
