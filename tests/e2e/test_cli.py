"""Every command, with and without a running server; what scripts rely on."""

import json
import os
import shutil
import subprocess
import tempfile

import messages
from office import BIN, Skip, added, environment

USAGE, DATA, NO_INPUT, NO_USER, CANT_CREATE, CONFIG = 64, 65, 66, 67, 73, 78


def run(*words, stdin=b'', env=None):
    return subprocess.run([BIN, *words], input=stdin, capture_output=True, timeout=60, check=False,
                          env=env or environment())


def fails(done, *codes):
    text = done.stderr.decode()
    assert done.returncode in codes, (done.returncode, text)
    assert done.stdout == b'', done.stdout
    assert text.startswith('restante') and text.endswith('\n'), text
    assert text.count('\n') == 1, f'not one line: {text}'
    return text


def rows(office, *words):
    value = office.json(*words)
    assert isinstance(value, list), value
    return value


def names(table):
    """Every string in every row: the shape is the program's, the address must be there."""
    return {v for row in table for v in row.values() if isinstance(v, str)}


def accounts(office):
    office.must('account', 'add', 'cy@example.test', '--password-stdin', stdin=b'secret one\n')
    fails(office.run('account', 'add', 'cy@example.test', '--password-stdin', stdin=b'x\n'),
          CANT_CREATE)
    assert 'cy@example.test' in names(rows(office, 'account', 'list'))
    assert b'cy@example.test' in office.must('account', 'list')
    assert b'cy@example.test' in office.must('account', 'show', 'cy@example.test')
    office.must('account', 'passwd', 'cy@example.test', '--password-stdin', stdin=b'secret two\n')
    office.must('account', 'disable', 'cy@example.test')
    office.must('account', 'enable', 'cy@example.test')
    made = office.must('account', 'add', 'di@example.test')
    assert len(made.strip()) >= 12, 'no password was generated'
    office.must('account', 'del', 'di@example.test')
    office.must('account', 'del', 'cy@example.test')
    assert not {'cy@example.test', 'di@example.test'} & names(rows(office, 'account', 'list'))
    for words in (('account', 'show'), ('account', 'del'), ('account', 'disable'), ('account', 'enable'),
                  ('mailbox', 'list')):
        fails(office.run(*words, 'nobody@example.test'), NO_USER)
    fails(office.run('account', 'add', 'x@elsewhere.test', '--password-stdin', stdin=b'x\n'),
          *range(64, 79))
    for bad in ('', 'ann', '@example.test', 'a b@example.test', 'a@b@example.test'):
        fails(office.run('account', 'add', bad, '--password-stdin', stdin=b'x\n'), *range(64, 79))


def aliases(office):
    office.must('alias', 'add', 'sales@example.test', 'ann@example.test')
    office.must('alias', 'add', 'all@example.test', 'ann@example.test', 'sales@example.test')
    table = json.dumps(rows(office, 'alias', 'list'))
    assert 'sales@example.test' in table and 'all@example.test' in table
    # Loops are refused when they are made, or at the latest when they are used.
    done = office.run('alias', 'add', 'sales@example.test', 'all@example.test')
    assert done.returncode != 0, 'a loop of aliases'
    office.must('alias', 'del', 'all@example.test')
    office.must('alias', 'del', 'sales@example.test')
    assert 'sales@example.test' not in json.dumps(rows(office, 'alias', 'list'))
    fails(office.run('alias', 'del', 'sales@example.test'), *range(64, 79))


def mailboxes(office, uidl, raw):
    table = rows(office, 'mailbox', 'list', 'ann@example.test')
    assert len(table) == 1 and uidl in names(table), table
    assert uidl.encode() in office.must('mailbox', 'list', 'ann@example.test')
    added(office.must('mailbox', 'show', 'ann@example.test', uidl), raw)
    fails(office.run('mailbox', 'show', 'ann@example.test', 'A' * 26), *range(64, 79))
    fails(office.run('mailbox', 'show', 'bob@example.test', uidl), *range(64, 79))


def the_rest(office):
    office.must('config', 'check')
    assert b'hostname' in office.must('config', 'show')
    assert b'message_size_limit' in office.must('config', 'defaults')
    office.must('fsck')
    office.must('fsck', '--rebuild')
    assert b'0.' in office.must('version')


def test_everything_with_and_without_a_server(office):
    raw = messages.plain(b'.\r\nkept\r\n')
    office.deliver(raw)
    p = office.pop()
    uidl = p.uidl()[1][0].split()[1].decode()
    p.quit()
    for running in (True, False):
        if not running:
            office.stop()
        accounts(office)
        aliases(office)
        mailboxes(office, uidl, raw)
        the_rest(office)
    office.start()
    assert len(office.fetch()) == 1


def test_changes_reach_the_running_server(office):
    import poplib
    office.must('account', 'add', 'eve@example.test', '--password-stdin', stdin=b'first one\n')
    office.pop('eve@example.test', 'first one').quit()
    office.must('account', 'passwd', 'eve@example.test', '--password-stdin', stdin=b'second one\n')
    office.pop('eve@example.test', 'second one').quit()
    # The cache of recent successes must not keep the old password, nor a disabled account, alive.
    for change, password in ((None, 'first one'), ('disable', 'second one'), ('del', 'second one')):
        if change:
            office.must('account', change, 'eve@example.test')
        try:
            office.pop('eve@example.test', password)
            raise RuntimeError(f'logged in after {change}')
        except poplib.error_proto:
            pass
    with office.wire('smtp') as w:
        w.reply()
        w.ask('EHLO client.test')
        w.ask('MAIL FROM:<x@elsewhere.test>')
        assert w.ask('RCPT TO:<eve@example.test>').startswith('550 5.1.1')


def test_a_deleted_account_takes_its_mail_along(office):
    office.add_account('fay@example.test')
    office.deliver(messages.plain(b'old\r\n'), 'fay@example.test')
    office.must('account', 'del', 'fay@example.test')
    office.add_account('fay@example.test')
    assert office.fetch('fay@example.test') == [], 'the new owner reads the old one\'s mail'
    office.must('account', 'del', 'fay@example.test')


def test_usage(office):
    for words in ((), ('nosuch',), ('account',), ('account', 'nosuch'), ('account', 'add'),
                  ('account', 'list', '--nosuch'), ('serve', '--state'), ('init',), ('mailbox', 'show'),
                  ('account', 'show', 'a@example.test', 'b@example.test')):
        done = run(*words)
        assert done.returncode == USAGE, (words, done.returncode, done.stderr)
        assert done.stderr, words
    commands = (('init',), ('serve',), ('account', 'add'), ('account', 'del'), ('account', 'passwd'),
                ('account', 'list'), ('account', 'show'), ('account', 'disable'), ('account', 'enable'),
                ('alias', 'add'), ('alias', 'del'), ('alias', 'list'), ('mailbox', 'list'),
                ('mailbox', 'show'), ('config', 'check'), ('config', 'show'), ('config', 'defaults'),
                ('fsck',), ('version',))
    for words in commands:
        done = run(*words, '--help')
        assert done.returncode == 0 and done.stdout and not done.stderr, (words, done)
    # What every command takes may stand before it.
    for words in (('--state', office.state, '--json', 'account', 'list'),
                  (f'--state={office.state}', 'account', 'list', '--json')):
        done = run(*words)
        assert json.loads(done.stdout) == office.json('account', 'list'), (words, done)
    for words in (('--state',), ('--state', office.state), ('--json', 'acount'), ('--nosuch', 'version'),
                  ('--json', 'serve'), ('--state', office.state, 'account')):
        assert run(*words).returncode == USAGE, words
    assert b'did you mean' not in run('foo').stderr
    done = run('queue', '--state', office.state)
    assert b'usage: restante queue COMMAND' in done.stderr and b'queue list' in done.stderr, done
    for words in ((b'account', b'show', b'\xff@example.test'), (b'domain', b'add', b'\xff.test'),
                  (b'account', b'add', b'\xff@example.test')):
        assert 'UTF-8' in fails(run(*words, b'--state', office.state.encode()), USAGE), words
    done = run('--help')
    assert done.returncode == 0
    told = {line.split()[0] for line in done.stdout.decode().splitlines() if line.startswith('  ')}
    words = {row['command'].split()[0] for row in json.loads(run('help', '--json').stdout)}
    assert words <= told, words - told
    assert done.stdout.count(b'\n') < 70, 'it fits on a screen or two'
    # nothing is cut, and what a group does by itself does not look like what its last command takes
    assert b'  backup DEST|verify\n' in done.stdout and b'[--field FIELD]\n' in done.stdout, done.stdout


def test_init(office):
    place = tempfile.mkdtemp(prefix='restante-init-')
    try:
        fails(run('init', '--domain', 'example.test', '--state', office.state), CANT_CREATE)
        state = os.path.join(place, 'new')
        done = run('init', '--domain', 'example.test', '--port-offset', '9000', '--state', state)
        assert done.returncode == 0, done
        assert os.stat(state).st_mode & 0o7777 == 0o700, oct(os.stat(state).st_mode)
        for name in ('restante.conf', 'store', 'tls'):
            assert os.stat(os.path.join(state, name)).st_mode & 0o077 == 0, name
        assert os.stat(os.path.join(state, 'tls', 'key.pem')).st_mode & 0o077 == 0
        for name in ('version', 'restante.conf', 'tls/cert.pem'):
            assert os.path.getsize(os.path.join(state, name)) > 0, name
        done = run('config', 'check', env=dict(environment(), RESTANTE_STATE=state))
        assert done.returncode == 0, done
        for domain in ('', 'a b', '-x.test', 'x' * 300, 'a..b'):
            fails(run('init', '--domain', domain, '--state', os.path.join(place, 'bad')),
                  *range(64, 79))
            assert not os.path.exists(os.path.join(place, 'bad', 'restante.conf')), domain
        # A state directory of a later version is left alone.
        with open(os.path.join(state, 'version'), 'w', encoding='ascii') as f:
            f.write('999\n')
        fails(run('account', 'list', '--state', state), *range(64, 79))
        done = run('serve', '--state', state)
        assert done.returncode in range(64, 79), done
        done = run('account', 'list', '--state', os.path.join(place, 'nothing'))
        fails(done, *range(64, 79))
    finally:
        shutil.rmtree(place)


def test_a_wrong_configuration_is_told_by_line(office):
    path = office.path('restante.conf')
    with open(path, encoding='utf-8') as f:
        was = f.read()
    line = was.count('\n') + 1
    try:
        for text, word in (('hostnam = "x"', 'hostname'), ('message_size_limit = 1', 'message_size_limit'),
                           ('hostname = {', ''), ('cleartext_auth = perhaps', ''),
                           ('smarthost { host = a tls = startls }', 'starttls')):
            with open(path, 'w', encoding='utf-8') as f:
                f.write(was + text + '\n')
            error = fails(office.run('config', 'check'), CONFIG)
            assert word in error and (str(line) in error or text.endswith('{')), (text, error)
        # What needs no file is wrong at once; files may come later, but serve needs them.
        for value in ('dns.example.test', '192.0.2.1:x', '192.0.2.1 192.0.2'):
            with open(path, 'w', encoding='utf-8') as f:
                f.write(was + f'dns_resolver = "{value}"\n')
            assert 'dns_resolver' in fails(office.run('config', 'check'), CONFIG)
        for name in ('tls_ca_file', 'dnssec_trust_anchor', 'client_ca_file'):
            with open(path, 'w', encoding='utf-8') as f:
                f.write(was + f'{name} = "nowhere.pem"\n')
            done = office.run('config', 'check')
            assert done.returncode == 0 and b'nowhere.pem cannot be read' in done.stderr, done
            with tempfile.TemporaryDirectory(prefix='restante-serve-') as place:
                done = run('init', '--domain', 'example.test', '--port-offset', '9000', '--state', place)
                assert done.returncode == 0, done
                with open(os.path.join(place, 'restante.conf'), 'a', encoding='utf-8') as f:
                    f.write(f'{name} = "nowhere.pem"\n')
                done = run('serve', '--state', place)
                assert done.returncode == CONFIG and name in done.stderr.decode(), done
    finally:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(was)
    office.must('config', 'check')


def test_one_server_a_state_directory(office):
    row, = office.json('status')
    assert row['served'] and row['pid'] == office.process.pid != row['store_pid'], row
    done = subprocess.run([BIN, 'serve', '--state', office.state], capture_output=True, timeout=30,
                          check=False, env=environment())
    assert done.returncode in range(64, 79), done
    assert b'ready' not in done.stdout
    office.pop().quit()


def test_zsh_completion(_office):
    """What zsh offers after some words, by the functions it calls."""
    if shutil.which('zsh') is None:
        raise Skip('no zsh')
    code = run('completion', 'zsh').stdout
    show = b'compdef() { :; }; _describe() { print -rl -- ${(P)@[-1]}; }; _files() { print files; }\n'

    def offered(*words):
        line = ' '.join(f"'{w}'" for w in ('restante', *words)).encode()
        done = subprocess.run(['zsh', '-f'], input=show + code + b'words=(' + line + b') CURRENT=$#words\n'
                              b'_restante\n', capture_output=True, timeout=30, check=False)
        assert done.returncode == 0 and not done.stderr, done
        return done.stdout.decode().splitlines()

    assert {'init', 'account', 'fsck', 'setup'} <= set(offered(''))
    assert offered('provider', '') == ['list', 'show', 'test']
    assert {'--no-login', '--password-file'} <= {line.split(':')[0] for line in offered('setup', 'a@b.test', '--')}
    assert offered('fetch', '--import-mpop', '') == ['files']
    assert offered('account', 'cert', '') == ['add', 'del', 'list']
    assert offered('completion', '') == ['bash', 'zsh']
    assert any(line.startswith('--hash:') for line in offered('account', 'add', 'ann@example.test', '--'))
    assert offered('fsck', '--state', '') == ['files']


def test_bash_completion(_office):
    code = run('completion', 'bash').stdout

    def offered(*words):
        line = ' '.join(f"'{w}'" for w in ('restante', *words)).encode()
        done = subprocess.run(['bash', '--norc'], input=code + b'COMP_WORDS=(' + line + b') COMP_CWORD=%d\n' % len(words) +
                              b'_restante\nprintf "%s\\n" "${COMPREPLY[@]}"\n', capture_output=True, timeout=30, check=False,
                              cwd=os.path.dirname(os.path.abspath(__file__)))
        assert done.returncode == 0 and not done.stderr, done
        return done.stdout.decode().splitlines()

    assert offered('prov') == ['provider'] and offered('provider', '') == ['list', 'show', 'test']
    assert {'--no-login', '--name'} <= set(offered('setup', 'a@b.test', '--n'))
    assert sorted(offered('fetch', '--import-fetchmail', 'test_cl')) == sorted(
        f for f in os.listdir(os.path.dirname(os.path.abspath(__file__))) if f.startswith('test_cl'))
    assert offered('account', 'cert', '') == ['add', 'del', 'list']
