"""More clients that nobody here wrote, as test_clients.py: each checks certificates and refuses another
CA's."""

import os
import shutil

import messages
from office import HOST, PASSWORD, added
from test_clients import ANN, BOB, bad, good, need, other_ca, run, write

USER_URL = 'bob%40example.test'
PASSWORD_URL = PASSWORD.replace(' ', '%20')


def msmtp(office, ca, method, implicit, raw):
    rc = write(office, 'msmtprc', f'''
account default
host {HOST}
port {office.port('submissions' if implicit else 'submission')}
tls on
tls_starttls {'off' if implicit else 'on'}
tls_trust_file {ca}
auth {method}
user {ANN}
password "{PASSWORD}"
from {ANN}
domain client.test
''')
    return run('msmtp', '-C', rc, '--', BOB, stdin=raw.replace(b'\r\n', b'\n'))


def test_msmtp(office):
    need('msmtp')
    offered = run('msmtp', '--version').stdout
    for method, implicit in (('plain', False), ('plain', True), ('login', True),
                             ('scram-sha-256', False)):
        if method == 'scram-sha-256' and b'scram-sha-256' not in offered:
            continue
        raw = messages.plain('.\r\n..\r\nnaïve\r\n'.encode(), 'msmtp')
        good(msmtp(office, office.ca, method, implicit, raw))
        added(office.fetch_one(BOB), raw)
        bad(msmtp(office, other_ca(office), method, implicit, raw), 'certificate')
        assert office.fetch(BOB) == []


def getmail(office, ca, implicit):
    home = os.path.join(office.dir, 'getmail')
    shutil.rmtree(home, ignore_errors=True)
    for name in ('new', 'cur', 'tmp'):
        os.makedirs(os.path.join(home, 'box', name))
    kind, port = ('SimplePOP3SSLRetriever', 'pop3s') if implicit else ('SimplePOP3Retriever', 'pop3')
    rc = write(office, 'getmail/getmailrc', f'''
[retriever]
type = {kind}
server = {HOST}
port = {office.port(port)}
username = {BOB}
password = {PASSWORD}
ca_certs = {home}/ca.pem
ssl_cert_hostname = {HOST}
[destination]
type = Maildir
path = {home}/box/
[options]
delete = true
delivered_to = false
received = false
''')
    shutil.copy(ca, os.path.join(home, 'ca.pem'))
    os.chmod(os.path.join(home, 'ca.pem'), 0o644)
    command = ['getmail', '--rcfile', rc, '--getmaildir', home]
    if os.geteuid() == 0:  # it delivers to nobody's files only, never to root's
        run('chown', '-R', 'nobody', home)
        os.chmod(office.dir, 0o755)
        command = ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups', *command]
    done = run(*command, env=dict(os.environ, HOME=home))
    got = []
    for name in os.listdir(os.path.join(home, 'box', 'new')):
        with open(os.path.join(home, 'box', 'new', name), 'rb') as f:
            got.append(f.read())
    return done, got


def test_getmail(office):
    need('getmail')
    raws = [messages.plain(b'.\r\n..\r\nbody\r\n', 'getmail'), messages.attachments()]
    for raw in raws:
        office.deliver(raw, BOB)
    done, got = getmail(office, other_ca(office), True)
    text = (done.stdout + done.stderr).lower()
    assert b'certificate' in text and got == [], text
    done, got = getmail(office, office.ca, True)
    good(done)
    assert len(got) == 2, got
    for raw in raws:
        body = raw.split(b'\r\n\r\n', 1)[1].replace(b'\r\n', b'\n').rstrip(b'\n')
        assert any(g.rstrip(b'\n').endswith(body) for g in got), got
    assert office.fetch(BOB) == []


SEND = '''
use Net::SMTP;
my ($port, $ca, $implicit) = @ARGV;
my @tls = (SSL_ca_file => $ca, SSL_verify_mode => 1, SSL_verifycn_name => "localhost");
my $s = Net::SMTP->new("localhost", Port => $port, Hello => "client.test", Timeout => 30,
    $implicit ? (SSL => 1, @tls) : ()) or die "connect: $@ $IO::Socket::SSL::SSL_ERROR\\n";
$implicit or $s->starttls(@tls) or die "starttls: $IO::Socket::SSL::SSL_ERROR\\n";
$s->auth($ENV{OFFICE_USER}, $ENV{OFFICE_PASSWORD}) or die "auth: " . $s->message;
my $text = do { local $/; <STDIN> };
$s->mail($ENV{OFFICE_USER}) && $s->to("bob\\@example.test") && $s->data($text)
    or die "send: " . $s->message;
$s->quit;
'''

FETCH = '''
use Net::POP3;
my ($port, $ca, $implicit) = @ARGV;
my @tls = (SSL_ca_file => $ca, SSL_verify_mode => 1, SSL_verifycn_name => "localhost");
my $p = Net::POP3->new("localhost", Port => $port, Timeout => 30, $implicit ? (SSL => 1, @tls) : ())
    or die "connect: $@ $IO::Socket::SSL::SSL_ERROR\\n";
$implicit or $p->starttls(@tls) or die "starttls: $IO::Socket::SSL::SSL_ERROR\\n";
my $n = $p->login($ENV{OFFICE_USER}, $ENV{OFFICE_PASSWORD});
defined $n or die "login: " . $p->message;
my ($uidls, $list) = ($p->uidl, $p->list);
keys %$uidls == $n && keys %$list == $n or die "listing\\n";
for my $i (1 .. $n) {
    my $top = $p->top($i, 0) or die "top: " . $p->message;
    print @{$p->get($i)};
    $p->delete($i) or die "delete: " . $p->message;
}
$p->quit or die "quit: " . $p->message;
'''


def perl(office, script, port, ca, implicit, user, stdin=b''):
    env = dict(os.environ, OFFICE_USER=user, OFFICE_PASSWORD=PASSWORD)
    return run('perl', '-e', script, str(office.port(port)), ca, '1' if implicit else '',
               stdin=stdin, env=env)


def test_perl(office):
    need('perl')
    good(run('perl', '-MIO::Socket::SSL', '-MAuthen::SASL', '-e', '1'))
    for implicit in (False, True):
        out, into = ('submissions', 'pop3s') if implicit else ('submission', 'pop3')
        raw = messages.plain(b'.\r\n..\r\nfrom Perl\r\n', 'perl')
        text = raw.replace(b'\r\n', b'\n')
        bad(perl(office, SEND, out, other_ca(office), implicit, ANN, text), 'certificate')
        good(perl(office, SEND, out, office.ca, implicit, ANN, text))
        bad(perl(office, FETCH, into, other_ca(office), implicit, BOB), 'certificate')
        got = good(perl(office, FETCH, into, office.ca, implicit, BOB))
        assert got.replace(b'\r\n', b'\n').endswith(text), got
        assert office.fetch(BOB) == []


def s_nail(office, ca, *options, stdin):
    env = dict(os.environ, HOME=office.dir, TERM='dumb', MAIL='/dev/null', LC_ALL='C.UTF-8')
    return run('s-nail', '-:/', '-Sv15-compat', f'-Stls-ca-file={ca}', '-Stls-ca-no-defaults',
               '-Stls-verify=strict', '-Ssmtp-use-starttls', '-Spop3-use-starttls',
               '-Snosave', *options, stdin=stdin, env=env)


def test_s_nail(office):
    need('s-nail')
    ann = f'ann%40example.test:{PASSWORD_URL}@{HOST}'
    bob = f'{USER_URL}:{PASSWORD_URL}@{HOST}'
    for smtp, pop in ((f'submission://{ann}:{office.port("submission")}',
                       f'pop3://{bob}:{office.port("pop3")}'),
                      (f'submissions://{ann}:{office.port("submissions")}',
                       f'pop3s://{bob}:{office.port("pop3s")}')):
        send = ('-Ssendwait', f'-Smta={smtp}', '-r', ANN, '-s', 'from s-nail', BOB)
        good(s_nail(office, office.ca, *send, stdin=b'.dots\n..and more\n'))
        done = s_nail(office, other_ca(office), *send, stdin=b'never\n')
        bad(done, 'certificate')
        done = s_nail(office, other_ca(office), '-f', pop, stdin=b'type 1\nxit\n')
        assert b'certificate' in (done.stdout + done.stderr).lower(), done
        done = s_nail(office, office.ca, '-f', pop, stdin=b'type 1\ndelete 1\nquit\n')
        assert b'..and more' in good(done), done
        assert office.fetch(BOB) == []


def mutt(office, ca, lines, *options, stdin=b'', terminal=False):
    trusted = os.path.join(office.dir, 'mutt-trusted')
    shutil.copy(ca, trusted)
    rc = write(office, 'muttrc', f'''
set ssl_force_tls=yes ssl_starttls=yes ssl_verify_host=yes ssl_verify_dates=yes
set ssl_ca_certificates_file="{trusted}" certificate_file="/dev/null"
set from="{ANN}" envelope_from_address="{ANN}" use_envelope_from=yes hostname=client.test
set smtp_pass="{PASSWORD}" pop_pass="{PASSWORD}"
# This mutt takes SCRAM-SHA-256-PLUS when it is offered and then has no channel binding to give.
set smtp_authenticators="scram-sha-256:plain" pop_authenticators="scram-sha-256:plain:user"
set pop_checkinterval=1 confirmappend=no confirmcreate=no delete=yes copy=no quit=yes
set folder="{office.dir}" record="" wait_key=no mail_check_stats=no header_cache=""
{lines}
''')
    env = dict(os.environ, HOME=office.dir, TERM='xterm', LC_ALL='C.UTF-8')
    command = ['mutt', '-n', '-F', rc, *options]
    if terminal:
        quoted = ' '.join("'" + c.replace("'", "'\\''") + "'" for c in command)
        command = ['script', '-qec', 'stty rows 24 cols 120; ' + quoted, '/dev/null']
    return run(*command, stdin=stdin, env=env)


def test_mutt(office):
    need('mutt')
    box = os.path.join(office.dir, 'mutt.mbox')
    for smtp, name in (('smtp', 'submission'), ('smtps', 'submissions')):
        url = f'set smtp_url="{smtp}://ann%40example.test@{HOST}:{office.port(name)}/"'
        send = ('-s', 'from mutt', BOB)
        bad(mutt(office, other_ca(office), url, *send, stdin=b'never\n'), 'certificate', 'SSL', 'TLS',
            'could not send')
        assert office.fetch(BOB, delete=False) == [], 'sent in spite of the certificate'
        good(mutt(office, office.ca, url, *send, stdin=b'.dots\n..more\n'))
        if os.path.exists(box):
            os.remove(box)
        pop, port = ('pop', 'pop3') if smtp == 'smtp' else ('pops', 'pop3s')
        where = f'{pop}://{USER_URL}@{HOST}:{office.port(port)}/'
        done = mutt(office, office.ca, f'push "<save-message>{box}<enter><quit>"', '-f', where,
                    terminal=True)
        assert os.path.exists(box), done.stdout[-1500:]
        with open(box, 'rb') as f:
            data = f.read()
        assert b'Subject: from mutt' in data and b'\n..more\n' in data, data
        assert office.fetch(BOB) == [], 'mutt deleted what it saved'
