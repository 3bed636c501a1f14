"""Mail of strangers is checked by SPF, DKIM, ARC and DMARC, and what was found stands on top of it.  dkimpy signs, and
python3-authres reads what we wrote."""

import re
import smtplib
import subprocess
import sys
import time

import world
from office import Skip

OFFICE = {'config': 'carriers = 0\n'}
W = {}
TEXT = (b'From: %s\r\nTo: ann@a.test\r\nSubject: %s\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n'
        b'Message-ID: <%s@from.test>\r\n\r\nThe body  \r\nof it\r\n\r\n')
DMARC = '_dmarc IN TXT "v=DMARC1; p=%s"'


def libraries():
    sys.path.append('/usr/lib/python3/dist-packages')
    try:
        return __import__('dkim'), __import__('authres')
    except ImportError:
        raise Skip('python3-dkim or python3-authres is not installed') from None


def txt(name, record):
    return f'{name} IN TXT ' + ' '.join(f'"{record[i:i + 200]}"' for i in range(0, len(record), 200))


def test_the_world_opens(_office):
    W['dkim'], W['authres'] = libraries()
    w = W['w'] = world.World()
    pem = f'{w.dir}/key.pem'
    subprocess.run(['openssl', 'genrsa', '-traditional', '-out', pem, '2048'], check=True, capture_output=True)
    der = subprocess.run(f'openssl rsa -in {pem} -pubout -outform DER | openssl base64 -A', shell=True, check=True,
                         capture_output=True, text=True).stdout
    with open(pem, 'rb') as f:
        W['key'] = f.read()
    record = txt('s._domainkey', f'v=DKIM1; k=rsa; p={der.strip()}')
    far, relay = w.host('far', 30), w.host('relay', 31)
    spf = f'@ IN TXT "v=spf1 ip4:{far.address} -all"'
    w.zone('test', ['x IN TXT "there is nothing"'], signed=False)
    w.zone('from.test', [spf, record, DMARC % 'reject'], signed=False)
    w.zone('signed.test', [spf, record, DMARC % 'reject'])
    w.zone('forged.test', ['@ IN TXT "v=spf1 -all"', DMARC % 'reject'], signed=False)
    w.zone('junk.test', ['@ IN TXT "v=spf1 -all"', DMARC % 'quarantine'], signed=False)
    w.zone('below.test', ['_dmarc IN TXT "v=DMARC1; p=none; np=reject"', 'there IN A 192.0.2.1'], signed=False)
    w.zone('tried.test', ['_dmarc IN TXT "v=DMARC1; p=reject; t=y"'], signed=False)
    w.zone('helo.test', [f'mail IN TXT "v=spf1 ip4:{far.address} -all"'], signed=False)
    w.zone('list.test', [spf, record], signed=False)
    W['a'] = a = w.office('a', 10, 'a.test', config=f'check_exempt = "127.0.0.0/8 ::1 {relay.address}"\n'
                          'arc_trusted = "other.test list.test"\ncheck_timeout = 3s\n')
    w.zone('a.test', ['@ IN MX 10 mail', f'mail IN A {a.host.address}'])
    w.start_dns()
    a.open()


def send(text, sender='x@from.test', host='far', helo='mail.helo.test'):
    with W['w'].hosts[host].inside(), smtplib.SMTP(W['a'].host.address, 25, helo) as s:
        s.sendmail(sender, ['ann@a.test'], text)


def refused(text, **how):
    try:
        send(text, **how)
    except smtplib.SMTPDataError as why:
        return why.smtp_code, why.smtp_error
    raise AssertionError('it was taken')


def last():
    """The newest message, as POP3 hands it out."""
    a = W['a']
    with a.host.inside():
        p = a.pop()
        try:
            return b'\r\n'.join(p.retr(p.stat()[0])[1]) + b'\r\n'
        finally:
            p.quit()


def through(subject, author=b'x@from.test', sign=None, **how):
    text = TEXT % (author, subject, subject)
    send(sign(text) if sign else text, **how)
    octets = last()
    assert b'Subject: ' + subject in octets, octets[:2000]
    return octets


def signed(text, domain=b'from.test'):
    return W['dkim'].sign(text, b's', domain, W['key']) + text


def field(octets):
    """(field, [(method, result, {property: value})]) of what stands first behind Return-Path."""
    rest = re.match(rb'Return-Path: <[^>]*>\r\n(Authentication-Results: (?:.*\r\n)(?:[ \t].*\r\n)*)Received: ', octets)
    assert rest, octets[:1500]
    text = rest[1].decode()
    got = W['authres'].AuthenticationResultsHeader.parse(' '.join(text.split()))
    assert got.authserv_id == 'mail.a.test', text
    return text, [(r.method, r.result, {f'{p.type}.{p.name}': p.value for p in r.properties}) for r in got.results]


def results(octets):
    return ' '.join(f'{m}={r}' for m, r, _ in field(octets)[1])


def test_all_is_well(_office):
    octets = through(b'well', sign=signed)
    assert field(octets)[1] == [
        ('spf', 'pass', {'smtp.mailfrom': 'from.test'}),
        ('dkim', 'pass', {'header.d': 'from.test', 'header.s': 's'}),
        ('arc', 'none', {'smtp.remote-ip': W['w'].hosts['far'].address}),
        ('dmarc', 'pass', {'header.from': 'from.test'})], field(octets)
    assert '(p=reject)' in field(octets)[0]
    line = [x for x in W['a'].log_tail(100000).splitlines() if 'event=smtp.checked' in x][-1]
    assert 'spf=pass' in line and 'dmarc=pass' in line and 'refused=0' in line, line
    assert results(through(b'secured', b'x@signed.test', lambda t: signed(t, b'signed.test'),
                           sender='x@signed.test')) == 'spf=pass dkim=pass arc=none dmarc=pass'


def test_one_of_the_two_is_enough(_office):
    assert results(through(b'spf')) == 'spf=pass dkim=none arc=none dmarc=pass'
    assert results(through(b'dkim', sign=signed, sender='x@junk.test')) == 'spf=fail dkim=pass arc=none dmarc=pass'


def test_what_a_forger_sends_is_refused(_office):
    before = last()
    for author, sender in ((b'boss@forged.test', 'x@forged.test'), (b'boss@forged.test', 'x@from.test'),
                           (b'boss@forged.test', ''), (b'boss@x.below.test', 'x@from.test')):
        code, text = refused(TEXT % (author, b'forged', b'forged'), sender=sender)
        assert code == 550 and text.startswith(b'5.7.26 '), (code, text)
    code, text = refused(signed(TEXT % (b'boss@forged.test', b'forged', b'forged')).replace(b'body', b'bodice'))
    assert code == 550, text
    assert last() == before
    log = W['a'].log_tail(100000)
    assert 'event=smtp.refused' in log and 'why=dmarc' in log and 'policy=reject refused=1' in log


def test_who_hides_the_author(_office):
    """Several of them, or one that cannot be read: whoever a mail client shows, his policy counts."""
    for author in (b'x@from.test, boss@forged.test', b'x@from.test\r\nFrom: boss@forged.test',
                   b'Boss, The <boss@forged.test', b'x@from.test\r\nno field\r\nFrom: boss@forged.test'):
        code, text = refused(TEXT % (author, b'hidden', b'hidden'))
        assert code == 550 and text.startswith(b'5.7.26 '), (author, code, text)
    code, text = refused(TEXT % (b', '.join(b'x@d%d.test' % i for i in range(9)), b'many', b'many'))
    assert code == 550 and text.startswith(b'5.7.1 too many'), (code, text)
    octets = through(b'nobody', b'x@from.test', lambda t: t.replace(b'From: ', b'X-From: '))
    assert results(octets).endswith('dmarc=permerror'), field(octets)


def test_what_is_only_marked(_office):
    assert results(through(b'junk', b'x@junk.test', sender='x@junk.test')) == 'spf=fail dkim=none arc=none dmarc=fail'
    octets = through(b'tried', b'x@tried.test')
    assert 'dmarc=fail (p=reject t=y)' in field(octets)[0], field(octets)
    assert results(through(b'there', b'x@there.below.test')).endswith('dmarc=fail')
    assert results(through(b'no-record', b'x@list.test', sender='x@list.test')) == \
        'spf=pass dkim=none arc=none dmarc=none'


def test_the_null_path(_office):
    rows = field(through(b'null', b'x@list.test', sender=''))[1]
    assert rows[0] == ('spf', 'pass', {'smtp.helo': 'mail.helo.test'}), rows


def test_results_that_claim_to_be_ours(_office):
    """RFC 8601 5"""
    forged = (b'Authentication-Results: mail.a.test; dmarc=pass header.from=bank.test\r\n'
              b'authentication-results:\r\n (it is) "MAIL.A.Test" 1; dmarc=pass\r\n'
              b'Authentication-Results: other.test; dmarc=pass\r\n'
              b'this is no field\r\nAuthentication-Results: mail.a.test; spf=pass\r\n')
    octets = through(b'claims', b'x@junk.test', lambda t: forged + t, sender='x@junk.test')
    assert octets.lower().count(b'authentication-results') == 2, octets
    assert b'\r\nAuthentication-Results: other.test; dmarc=pass\r\nthis is no field\r\nFrom: ' in octets, octets
    assert 'event=smtp.forged-results' in W['a'].log_tail(100000)


def test_messages_of_all_sizes(_office):
    """Whole in one packet, in several, in a file of its own; what is above them has its room."""
    for n in (0, 600, 820, 1500, 6000, 40000):
        body = b''.join(b'%06d %s\r\n' % (i, b'x' * 70) for i in range(n))
        octets = through(b'size%d' % n, sign=lambda text, b=body: signed(text + b))
        assert results(octets) == 'spf=pass dkim=pass arc=none dmarc=pass', field(octets)
        assert octets.endswith(b'of it\r\n\r\n' + body), n
        broken = through(b'broken%d' % n, sign=lambda text, b=body: signed(text + b) + b'more\r\n')
        assert results(broken) == 'spf=pass dkim=fail arc=none dmarc=pass', field(broken)
        assert 'body' in field(broken)[0] and broken.endswith(body + b'more\r\n')
    octets = through(b'header', sign=lambda text: text.split(b'\r\n\r\n')[0] + b'\r\n')
    assert results(octets).startswith('spf=pass'), octets
    a = W['a']
    assert a.run('fsck').returncode == 0, a.run('fsck').stderr


def test_headers_of_all_sizes(_office):
    for n in (700, 900, 5000):
        more = b''.join(b'X-%d: %s\r\n' % (i, b'y' * 80) for i in range(n))
        octets = through(b'header%d' % n, sign=lambda text, m=more: signed(m + text))
        assert results(octets) == 'spf=pass dkim=pass arc=none dmarc=pass', field(octets)
        assert more in octets


def test_who_is_exempt(_office):
    octets = through(b'relayed', b'boss@forged.test', lambda t: b'Authentication-Results: mail.a.test; spf=pass\r\n' + t,
                     host='relay')
    assert octets.count(b'Authentication-Results') == 1 and b'\r\nAuthentication-Results: mail.a.test' in octets
    a = W['a']
    with a.host.inside(), smtplib.SMTP('127.0.0.1', 25) as s:
        s.sendmail('x@forged.test', ['ann@a.test'], TEXT % (b'boss@forged.test', b'local', b'local'))
    assert b'Authentication-Results' not in last()
    with a.host.inside(), a.submit(a.ann) as s:
        s.sendmail(a.ann, [a.ann], f'From: {a.ann}\r\nSubject: ours\r\n\r\nx\r\n')
    assert b'Authentication-Results' not in last()


def test_a_seal_that_is_trusted(_office):
    """RFC 8617: a list changed the mail, and says how it had come in."""
    def listed(said, domain):
        def make(text):
            text = b'Authentication-Results: %s; %s\r\n' % (domain, said) + text
            sets = W['dkim'].arc_sign(text, b's', domain, W['key'], domain)
            return b''.join(sets) + text
        return make
    octets = through(b'listed', b'x@forged.test', listed(b'spf=pass; dmarc=pass header.from=forged.test', b'list.test'))
    assert results(octets) == 'spf=pass dkim=none arc=pass dmarc=fail', field(octets)
    assert 'policy=vouched-for' in W['a'].log_tail(3000)
    for make in (listed(b'dmarc=fail', b'list.test'), listed(b'dmarc=pass', b'from.test')):
        assert refused(make(TEXT % (b'x@forged.test', b'sealed', b'sealed')))[0] == 550
    broken = listed(b'dmarc=pass', b'list.test')(TEXT % (b'x@forged.test', b'sealed', b'sealed'))
    assert refused(broken.replace(b'body', b'bodice'))[0] == 550


def test_pipelined_messages(_office):
    """What comes behind a message waits for what is found about it."""
    with W['w'].hosts['far'].inside(), smtplib.SMTP(W['a'].host.address, 25, 'mail.helo.test') as s:
        s.ehlo()
        s.putcmd('MAIL', 'FROM:<x@from.test>')
        s.putcmd('RCPT', 'TO:<ann@a.test>')
        s.putcmd('DATA')
        assert [s.getreply()[0] for _ in range(3)] == [250, 250, 354]
        s.send(TEXT % (b'x@from.test', b'one', b'one') + b'.\r\nMAIL FROM:<>\r\nNOOP\r\nRSET\r\n')
        assert [s.getreply()[0] for _ in range(4)] == [250, 250, 250, 250]


def configure(**settings):
    a = W['a']
    with open(a.path('restante.conf'), encoding='utf-8') as f:
        lines = [line for line in f if line.split(' ')[0] not in settings]
    with open(a.path('restante.conf'), 'w', encoding='utf-8') as f:
        f.writelines(lines + [f'{name} = {value}\n' for name, value in settings.items()])
    a.must('config', 'check')
    a.stop()
    a.start()


def test_only_marking(_office):
    configure(dmarc_policy='mark', arc_trusted='""')
    assert results(through(b'marked', b'x@forged.test', sender='x@forged.test')) == 'spf=fail dkim=none dmarc=fail'


def test_switched_off(_office):
    configure(sender_checks='no')
    assert b'Authentication-Results' not in through(b'off', b'x@forged.test', sender='x@forged.test')


def test_dns_that_is_silent(_office):
    a, w = W['a'], W['w']
    configure(sender_checks='yes', dmarc_policy='enforce', check_timeout='1s')
    subprocess.run(['ip', '-n', w.wire, 'link', 'set', 'v1', 'down'], check=True)
    started = time.monotonic()
    octets = through(b'silence', b'x@forged.test', sign=signed, sender='x@forged.test')
    assert results(octets) == 'spf=temperror dkim=temperror dmarc=temperror', field(octets)
    assert 0.9 < time.monotonic() - started < 4, time.monotonic() - started
    # Who goes meanwhile leaves nothing behind, and who comes is served.
    with w.hosts['far'].inside():
        s = smtplib.SMTP(a.host.address, 25, 'mail.helo.test')
        s.mail('x@forged.test')
        s.rcpt('ann@a.test')
        s.putcmd('DATA')
        s.getreply()
        s.send(TEXT % (b'x@forged.test', b'gone', b'gone') + b'.\r\n')
        s.sock.close()
    assert results(through(b'after', b'x@forged.test')).startswith('spf=temperror')
    subprocess.run(['ip', '-n', w.wire, 'link', 'set', 'v1', 'up'], check=True)


def test_without_a_carrier(_office):
    """Nobody could look anything up."""
    configure(carriers='0')
    assert b'Authentication-Results' not in through(b'alone', b'x@forged.test', sender='x@forged.test')


def test_the_world_closes(_office):
    if 'w' in W:
        W['w'].close()
