"""Mail of strangers that an alias sends on carries an ARC seal (RFC 8617) that says how it came in; dkimpy is the
other party, before us and behind us."""

import re
import smtplib
import subprocess
import sys

import peer
import world
from office import Skip, wait_until

OFFICE = {'config': 'carriers = 0\n'}
W = {}
TEXT = (b'From: x@from.test\r\nTo: away@a.test\r\nSubject: %s\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n'
        b'Message-ID: <%s@from.test>\r\n\r\nThe body  \r\nof it\r\n\r\n')


def library():
    sys.path.append('/usr/lib/python3/dist-packages')
    try:
        return __import__('dkim')
    except ImportError:
        raise Skip('python3-dkim is not installed') from None


def key(name):
    """(private PEM, TXT record) of a key of RSA-2048."""
    pem = f'{W["w"].dir}/{name}.pem'
    subprocess.run(['openssl', 'genrsa', '-traditional', '-out', pem, '2048'], check=True, capture_output=True)
    der = subprocess.run(f'openssl rsa -in {pem} -pubout -outform DER | openssl base64 -A', shell=True, check=True,
                         capture_output=True, text=True).stdout
    with open(pem, 'rb') as f:
        return f.read(), f'v=DKIM1; k=rsa; p={der.strip()}'


def txt(name, record):
    return f'{name} IN TXT ' + ' '.join(f'"{record[i:i + 200]}"' for i in range(0, len(record), 200))


def test_the_world_opens(_office):
    W['dkim'] = library()
    w = W['w'] = world.World()
    (W['key'], W['record']), (W['mid'], W['mid_record']) = key('from'), key('mid')
    far = w.host('far', 30)
    w.zone('from.test', [f'@ IN TXT "v=spf1 ip4:{far.address} -all"', txt('s._domainkey', W['record'])], signed=False)
    w.zone('mid.test', [txt('m._domainkey', W['mid_record'])])
    w.zone('test', ['x IN TXT "there is nothing"'], signed=False)
    w.zone('next.test', ['@ IN MX 10 mail', f'mail IN A {far.address}'])
    w.zone('slow.test', ['@ IN TXT "v=spf1 include:nobody.slow.test -all"'])
    with far.inside():
        W['next'] = peer.Peer(address=far.address, port=25)
    W['a'] = a = w.office('a', 10, 'a.test')
    w.zone('a.test', ['@ IN MX 10 mail', f'mail IN A {a.host.address}'])
    w.start_dns()
    a.open()
    a.must('alias', 'add', 'away@a.test', 'z@next.test')


def from_far(text, sender='x@from.test', to='away@a.test'):
    with W['w'].hosts['far'].inside(), smtplib.SMTP(W['a'].host.address, 25, 'mail.from.test') as s:
        s.sendmail(sender, [to], text)


def arrived(subject):
    def there():
        return [m.octets for m in W['next'].messages if b'Subject: ' + subject in m.octets]
    return wait_until(there, 60, f'{subject} at the next server')[0]


def through(subject, sign=None, **how):
    text = TEXT % (subject, subject)
    from_far(sign(text) if sign else text, **how)
    return arrived(subject)


def signed(text):
    return W['dkim'].sign(text, b's', b'from.test', W['key']) + text


def verdict(octets):
    """(cv, [domains], why) as dkimpy finds it."""
    records = {'s._domainkey.from.test.': W['record'], 'm._domainkey.mid.test.': W['mid_record'],
               **{f'{r["selector"]}._domainkey.a.test.': r['record'] for r in W['a'].json('dkim', 'list', 'a.test')}}
    cv, results, why = W['dkim'].arc_verify(octets, dnsfunc=lambda name, timeout=5: records[name.decode()].encode())
    return cv, [r['as-domain'] for r in results], why


def explained(*more):
    rows = W['a'].json('explain', 'rcpt', '--from', 'x@from.test', '--to', 'away@a.test', '--ip', '192.0.2.1', *more)
    return [(r['result'], r['rule']) for r in rows if r['step'] == 'seal']


def traced(octets):
    """Whether the delivery of this message was with a seal, as the trace says."""
    name = re.search(rb'(?mi)^Message-ID: (<[^>]+>)', octets)[1].decode()
    return wait_until(lambda: [r['sealed'] for r in W['a'].json('trace', name) if r['event'] == 'delivered'],
                      10, 'the delivery in the trace')


def results(octets, instance=1):
    text = re.search(rb'(?mi)^ARC-Authentication-Results: i=%d;((?:.*\r\n)(?:[ \t].*\r\n)*)' % instance, octets)
    return ' '.join(text[1].decode().split())


def test_without_a_key(_office):
    octets = through(b'keyless')
    assert b'ARC-' not in octets and traced(octets) == [False], octets
    assert explained() == [('none', 'z@next.test: no domain for it has a key')], explained()


def test_how_it_came_in(_office):
    W['a'].must('dkim', 'new', 'a.test')
    octets = through(b'first', signed)
    assert octets.lower().startswith(b'arc-') and traced(octets) == [True], octets
    keys = [k['selector'] for k in W['a'].json('dkim', 'list', 'a.test') if k['algorithm'] == 'rsa']
    assert explained() == [('a.test', f'z@next.test: key {keys[0]}')], explained()
    assert results(octets) == (f'mail.a.test; spf=pass smtp.mailfrom=from.test; dkim=pass header.d=from.test header.s=s; '
                               f'dmarc=none header.from=from.test; arc=none smtp.remote-ip="{W["w"].hosts["far"].address}"'), results(octets)
    cv, domains, why = verdict(octets)
    assert cv == b'pass' and domains == [b'a.test'], (cv, domains, why)
    assert W['dkim'].DKIM(octets).verify(dnsfunc=lambda *_, **__: W['record'].encode())  # the body is what it was
    assert verdict(octets.replace(b'The body', b'A body'))[0] == b'fail'


def test_a_chain_that_is_there(_office):
    def sealed(text):
        text = b'Authentication-Results: mid.test; spf=pass\r\n' + signed(text)
        return b''.join(W['dkim'].arc_sign(text, b'm', b'mid.test', W['mid'], b'mid.test')) + text
    octets = through(b'second', sealed)
    assert 'arc=pass' in results(octets, 2), results(octets, 2)
    cv, domains, why = verdict(octets)
    assert cv == b'pass' and sorted(domains) == [b'a.test', b'mid.test'], (cv, domains, why)


def test_a_broken_chain_is_said_to_be_broken(_office):
    def broken(text):
        text = b'Authentication-Results: mid.test; spf=pass\r\n' + text
        return b''.join(W['dkim'].arc_sign(text, b'm', b'mid.test', W['mid'], b'mid.test')) + text.replace(b'body', b'bodice')
    octets = through(b'third', broken)
    assert 'arc=fail' in results(octets, 2) and b'cv=fail' in octets, octets
    assert verdict(octets)[::2] == (None, 'ARC-Seal[2] reported failure, the chain is terminated'), verdict(octets)


def test_what_is_not_known_is_said_so(_office):
    """A forger's client, a domain without records, a policy that leads nowhere, a zone that nobody has, a notice."""
    far = 'dkim=none'
    for subject, sender, spf in ((b'forged', 'x@a.test', 'none'), (b'recordless', 'x@next.test', 'none'),
                                 (b'permerror', 'x@slow.test', 'permerror'), (b'temperror', 'x@unserved.example', 'temperror')):
        octets = through(subject, sender=sender)
        assert f'spf={spf}' in results(octets) and far in results(octets), results(octets)
        assert verdict(octets)[0] == b'pass', subject
    octets = through(b'null', sender='')
    assert 'smtp.helo=mail.from.test' in results(octets), results(octets)


def test_a_large_message(_office):
    body = b''.join(b'%06d %s\r\n' % (i, b'x' * 70) for i in range(20000))
    octets = through(b'large', lambda text: signed(text + body))
    assert verdict(octets)[0] == b'pass' and octets.endswith(body), len(octets)


def test_our_own_mail_is_not_sealed(_office):
    a = W['a']
    with a.host.inside(), a.submit(a.ann) as s:
        s.sendmail(a.ann, ['z@next.test'], f'From: {a.ann}\r\nSubject: ours\r\n\r\nx\r\n')
    assert b'ARC-' not in arrived(b'ours')


def test_switched_off(_office):
    a = W['a']
    with open(a.path('restante.conf'), 'a', encoding='utf-8') as f:
        f.write('arc_seal = no\n')
    a.stop()
    a.start()
    assert b'ARC-' not in through(b'unsealed', signed)
    assert explained() == [('none', 'z@next.test: arc_seal is off')], explained()


def test_the_world_closes(_office):
    if 'w' in W:
        W['w'].close()
