"""Accounts, passwords, quotas, domains, application passwords, bans, tokens."""

import json
import os
import poplib
import shutil
import signal
import smtplib
import socket
import time

import messages
from office import BIN, PASSWORD, Office, wait_until
from terminal import Terminal

# Tests connect from 127.0.0.1, those of bans from other addresses of this machine.
OFFICE = {'config': 'ban_exempt = "127.0.0.1 ::1"\nban_after_failures = 2\nban_time = 5s\n'
                    'cleartext_auth = yes\n'}

# `doveadm -O pw -s SCHEME -p 'correct horse'`, Dovecot 2.3.19.1 (Debian 12).
HASHES = {
    'plain': '{PLAIN}correct horse',
    'ssha256': '{SSHA256}uPZbXB4O0yEAdT8vKiweZcMcbkuF+i8fjZCx5avVHh1J+t3O',
    'sha512crypt': '{SHA512-CRYPT}$6$l2/dSZ/vklfbhTJA$TVUaf.PI60mkfO1whIZt4JHCcQTO.VhZt6R9dKsr3XY45'
                   'zGnJi.Z2pigibqh5UA8os/bPXr9Hcw2HzIylQo7Q.',
    'bcrypt': '{BLF-CRYPT}$2y$05$vnhrdegZEZvMOwOPIVSXBOWShfsSplrq3tpjIzuOMmaJVmZeWzYEe',
    'argon2id': '{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$hK1o4ENQTx6c6C+p6cldHA$csbeBt9mNeL8WP/aUb'
                'TiNpMc7pCSb0NONV6t/lenbys',
    'scram': '{SCRAM-SHA-256}4096,TaK05eNKTuOsNg4Ec98TNw==,RmEp4C/sLcyZ7SR2LkgVwd1G/HnsSrDe5r77W3Yp'
             'xq0=,z6VGXT8sHDlXrey1frrj7ooBXeeIZVG0yM0B4n8vBtM=',
    'crypt': '{CRYPT}$2y$05$eq.l4UiqOVUy6lWGY56E/uCBTAJzF/j.4D0/JwLtqEETSeKTKj1T.',
}


def logs_in(office, user, password):
    try:
        office.pop(user, password).quit()
        return True
    except poplib.error_proto:
        return False


def submits(office, user, password):
    try:
        office.submit(user, password).quit()
        return True
    except smtplib.SMTPAuthenticationError:
        return False


def test_hashes_of_other_servers(office):
    for name, text in HASHES.items():
        user = name + '@example.test'
        office.must('account', 'add', user, '--hash', text)
        assert not logs_in(office, user, 'wrong'), name
        assert logs_in(office, user, 'correct horse'), name
        # The second login finds what the first one made of it.
        assert submits(office, user, 'correct horse'), name
    office.must('account', 'passwd', 'ann@example.test', '--hash', HASHES['ssha256'])
    assert not logs_in(office, 'ann@example.test', PASSWORD)
    assert logs_in(office, 'ann@example.test', 'correct horse')
    office.must('account', 'passwd', 'ann@example.test', '--password-stdin',
                stdin=PASSWORD.encode() + b'\n')
    assert logs_in(office, 'ann@example.test', PASSWORD)


def test_schemes_by_name(office):
    for i, scheme in enumerate(('PLAIN', 'SHA512-CRYPT', '{SCRAM-SHA-256}', 'argon2id')):
        user = f'scheme{i}@example.test'
        office.must('account', 'add', user, '--hash', scheme, '--password-stdin',
                    stdin=b'open sesame\n')
        assert logs_in(office, user, 'open sesame'), scheme
    for words in (('--hash', 'ROT13', '--password-stdin'), ('--hash', '{SHA256}x'),
                  ('--hash', HASHES['crypt'], '--password-stdin')):
        done = office.run('account', 'add', 'no@example.test', *words, stdin=b'x\n')
        assert done.returncode == 64 and done.stdout == b'' and done.stderr, (words, done)


def refused(office, to, text, size=None):
    with office.wire('smtp') as w:
        w.reply()
        w.ask('EHLO client.test')
        w.ask('MAIL FROM:<x@elsewhere.test>' + (f' SIZE={size}' if size else ''))
        reply = w.ask(f'RCPT TO:<{to}>')
        assert reply.startswith(text), reply


def test_quota_of_messages(office):
    office.must('account', 'add', 'small@example.test', '--password-stdin', '--quota-messages', '2',
                stdin=PASSWORD.encode() + b'\n')
    for _ in range(2):
        office.deliver(messages.plain(b'x\r\n'), to='small@example.test')
    refused(office, 'small@example.test', '452 4.2.2')
    # The others of the same message get it.
    with office.mx() as s:
        left = s.sendmail('x@elsewhere.test', ['small@example.test', 'ann@example.test'],
                          messages.plain(b'x\r\n'))
    assert list(left) == ['small@example.test'] and left['small@example.test'][0] == 452, left
    assert len(office.fetch('ann@example.test')) == 1
    # Reading and deleting go on, and make room.
    assert len(office.fetch('small@example.test')) == 2
    office.deliver(messages.plain(b'x\r\n'), to='small@example.test')
    row = office.json('account', 'show', 'small@example.test')[0]
    assert row['quota_messages'] == 2 and row['quota_bytes'] is None, row


def test_quota_of_octets(office):
    office.must('account', 'set', 'small@example.test', '--quota-messages', 'none',
                '--quota-bytes', '10K')
    office.fetch('small@example.test')
    refused(office, 'small@example.test', '452 4.2.2', size=20000)
    refused(office, 'small@example.test', '250', size=2000)
    # Who announces nothing is found out at the end.
    with office.wire('smtp') as w:
        w.reply()
        w.ask('EHLO client.test')
        w.ask('MAIL FROM:<x@elsewhere.test>')
        assert w.ask('RCPT TO:<small@example.test>').startswith('250')
        assert w.ask('DATA').startswith('354')
        w.send(b'Subject: big\r\n\r\n' + (b'x' * 70 + b'\r\n') * 200 + b'.\r\n')
        reply = w.reply()
        assert reply.startswith('452 4.2.2'), reply
    assert office.fetch('small@example.test') == []
    # A group: the full member does not lose the others theirs, nor its own.
    office.must('account', 'set', 'small@example.test', '--quota-bytes', '1')
    office.must('alias', 'add', 'team@example.test', 'small@example.test', 'bob@example.test')
    office.deliver(messages.plain(b'for all\r\n'), to='team@example.test')
    assert len(office.fetch('bob@example.test')) == 1
    assert len(office.fetch('small@example.test')) == 1
    office.must('alias', 'del', 'team@example.test')
    office.must('account', 'set', 'small@example.test', '--quota-bytes', 'default')
    office.deliver(messages.plain(b'x\r\n'), to='small@example.test')
    for bad in ('0', '-1', '1X', 'much', ''):
        done = office.run('account', 'set', 'small@example.test', '--quota-bytes', bad)
        assert done.returncode == 64, (bad, done)


def test_quota_for_good(_office):
    """quota_reply = refuse: at RCPT, at the end of the data, by LMTP and in explain."""
    office = Office(config='quota_reply = refuse\n')
    office.open()
    try:
        office.must('account', 'set', 'bob@example.test', '--quota-bytes', '1000')
        refused(office, 'bob@example.test', '552 5.2.2', size=2000)
        raw = b'Subject: big\r\n\r\n' + (b'x' * 70 + b'\r\n') * 20 + b'.\r\n'
        for port, hello, last in (('smtp', 'EHLO', 1), ('lmtp', 'LHLO', 2)):
            with office.wire(port) as w:
                w.reply()
                w.ask(f'{hello} client.test')
                w.ask('MAIL FROM:<x@elsewhere.test>')
                assert w.ask('RCPT TO:<bob@example.test>').startswith('250')
                if last == 2:
                    assert w.ask('RCPT TO:<ann@example.test>').startswith('250')
                assert w.ask('DATA').startswith('354')
                w.send(raw)
                assert w.reply().startswith('552 5.2.2')
                assert last == 1 or w.reply().startswith('250')
        assert office.fetch('bob@example.test') == [] and len(office.fetch('ann@example.test')) == 1
        office.must('account', 'set', 'bob@example.test', '--quota-messages', '1', '--quota-bytes', 'none')
        office.deliver(messages.plain(b'x\r\n'), to='bob@example.test')
        refused(office, 'bob@example.test', '552 5.2.2')
        said = office.json('explain', 'rcpt', '--from', 'x@elsewhere.test', '--to', 'bob@example.test', '--ip', '192.0.2.1')
        assert said[-1]['result'].startswith('552 5.2.2'), said
        office.close()
    finally:
        office.destroy()
        shutil.rmtree(office.dir, ignore_errors=True)


def test_domains(office):
    office.must('domain', 'add', 'second.test')
    office.must('domain', 'add', 'other.test', '--alias-of', 'example.test')
    office.deliver(messages.plain(b'x\r\n'), to='bob@other.test')
    assert len(office.fetch('bob@other.test')) == 1
    rows = {r['domain']: r['alias_of'] for r in office.json('domain', 'list')}
    assert rows == {'example.test': '', 'second.test': '', 'other.test': 'example.test'}, rows
    refused(office, 'who@second.test', '550 5.1.1')
    office.must('alias', 'add', '@second.test', 'bob@example.test')
    office.deliver(messages.plain(b'caught\r\n'), to='who@second.test')
    assert len(office.fetch('bob@example.test')) == 1
    assert office.run('domain', 'del', 'second.test').returncode == 77
    assert office.run('domain', 'del', 'example.test').returncode == 77
    office.must('alias', 'del', '@second.test')
    office.must('domain', 'del', 'second.test')
    refused(office, 'who@second.test', '550 5.7.1')
    office.must('domain', 'del', 'other.test')
    assert office.run('domain', 'del', 'none.test').returncode == 67


def test_application_passwords(office):
    user = 'ann@example.test'
    add = ('account', 'app-password', 'add', user, '--name')
    pop = office.must(*add, 'phone', '--scope', 'pop3').decode().strip()
    everything = office.json(*add, 'laptop')['password']
    short = office.must(*add, 'guest', '--expires', '8s').decode().strip()
    assert len({pop, everything, short}) == 3 and len(pop) >= 16
    assert logs_in(office, user, short)
    assert logs_in(office, user, pop) and not submits(office, user, pop)
    assert logs_in(office, user, everything) and submits(office, user, everything)
    assert logs_in(office, user, PASSWORD), 'their own password stays'
    assert not logs_in(office, 'bob@example.test', everything)
    rows = {r['name']: r for r in office.json('account', 'app-password', 'list', user)}
    assert sorted(rows) == ['guest', 'laptop', 'phone'] and rows['phone']['scope'] == 'pop3', rows
    assert rows['phone']['used'] and rows['guest']['expires'] and not rows['phone']['expires'], rows
    assert everything not in str(rows)
    wait_until(lambda: not logs_in(office, user, short), 30, 'it has expired')
    office.must('account', 'app-password', 'del', user, 'laptop')
    assert not logs_in(office, user, everything)
    for words, code in ((('add', user), 64), (('add', user, '--name', 'phone'), 73),
                        (('add', user, '--name', 'x', '--scope', 'imap'), 64),
                        (('add', user, '--name', 'x', '--expires', 'soon'), 64),
                        (('add', 'nobody@example.test', '--name', 'x'), 67),
                        (('del', user, 'none'), 67)):
        done = office.run('account', 'app-password', *words)
        assert done.returncode == code, (words, done)


def test_last_login(office):
    user = 'fresh@example.test'
    office.add_account(user)
    assert 'login' not in office.json('account', 'show', user)[0]
    assert not logs_in(office, user, 'wrong')
    assert 'login' not in office.json('account', 'show', user)[0]
    assert logs_in(office, user, PASSWORD)
    row = office.json('account', 'show', user)[0]
    assert row['login_ip'] == '127.0.0.1' and row['login_protocol'] == 'pop3', row
    assert row['login_tls'] == 'TLSv1.3' and row['login_mechanism'] == 'PLAIN', row
    office.submit(user).quit()
    # A restart writes what was only noted.
    office.stop()
    row = office.json('account', 'show', user)[0]
    assert row['login_protocol'] == 'smtp', row
    office.start()


def connects(office, source, port='pop3'):
    """What the server says to a client of this address: b'' when it hangs up without a word."""
    with socket.create_connection(('127.0.0.1', office.port(port)), timeout=10,
                                  source_address=(source, 0)) as s:
        try:
            return s.recv(100)
        except ConnectionResetError:
            return b''


def bans(office):
    return {r['network']: r for r in office.json('ban', 'list')}


def test_bans_by_hand(office):
    assert bans(office) == {}
    assert connects(office, '127.0.5.1').startswith(b'+OK')
    office.must('ban', 'add', '127.0.5.0/24')
    office.must('ban', 'add', '127.0.6.1', '--expires', '8s')
    assert bans(office)['127.0.5.0/24']['until'] is None and '127.0.6.1' in bans(office)
    assert connects(office, '127.0.5.1') == b'' and connects(office, '127.0.5.77', 'smtp') == b''
    assert connects(office, '127.0.6.1') == b''
    assert connects(office, '127.0.6.2').startswith(b'+OK')
    # They outlive the processes that know them.
    for pid in office.edge_pids() + [office.store_pid()]:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: office.run('ban', 'list').returncode == 0, 20, 'a new store')
    assert connects(office, '127.0.5.1') == b''
    wait_until(lambda: connects(office, '127.0.6.1').startswith(b'+OK'), 30, 'it has expired')
    office.must('ban', 'del', '127.0.5.0/24')
    assert connects(office, '127.0.5.1').startswith(b'+OK')
    for words, code in ((('del', '127.0.5.0/24'), 67), (('add', '127.0.0.1/8'), 64),
                        (('add', 'everybody'), 64), (('add', '10.0.0.1', '--expires', 'x'), 64)):
        done = office.run('ban', *words)
        assert done.returncode == code, (words, done)


def test_bans_outlive_the_server(office):
    office.must('ban', 'add', '127.0.9.0/24')
    office.must('ban', 'add', '127.0.10.1', '--expires', '90d')
    office.must('ban', 'add', '127.0.11.1', '--expires', '1s')
    before = {n: r for n, r in bans(office).items() if n != '127.0.11.1'}
    office.kill()  # what was done by hand is kept at once
    time.sleep(1)
    office.start()
    assert bans(office) == before, (before, bans(office))
    assert connects(office, '127.0.9.5') == b'' and connects(office, '127.0.10.1') == b''
    assert connects(office, '127.0.11.1').startswith(b'+OK'), 'it has expired'
    office.must('ban', 'del', '127.0.9.0/24')
    office.must('ban', 'del', '127.0.10.1')
    office.kill()
    office.start()
    assert bans(office) == {}, 'deleted ones came back'
    for _ in range(2):
        with socket.create_connection(('127.0.0.1', office.port('pop3')), timeout=10,
                                      source_address=('127.0.12.1', 0)) as s:
            f = s.makefile('rb')
            f.readline()
            s.sendall(b'USER ann@example.test\r\nPASS wrong\r\n')
            f.readline()
            f.readline()
    row = bans(office)['127.0.12.1']
    office.stop()
    office.start()
    assert bans(office)['127.0.12.1'] == row and row['why'] == 'logins', row
    office.must('ban', 'del', '127.0.12.1')


def test_bans_by_failed_logins(office):
    begin = time.monotonic()
    for _ in range(2):
        with socket.create_connection(('127.0.0.1', office.port('pop3')), timeout=10,
                                      source_address=('127.0.7.1', 0)) as s:
            f = s.makefile('rb')
            assert f.readline().startswith(b'+OK')
            s.sendall(b'USER ann@example.test\r\nPASS wrong\r\n')
            assert f.readline().startswith(b'+OK')
            assert f.readline().startswith(b'-ERR [AUTH]')
    assert time.monotonic() - begin > 2.5, 'the answers were delayed'
    assert bans(office)['127.0.7.1']['why'] == 'logins', bans(office)
    assert connects(office, '127.0.7.1') == b''
    assert connects(office, '127.0.7.2').startswith(b'+OK')
    wait_until(lambda: connects(office, '127.0.7.1').startswith(b'+OK'), 30, 'it is over')
    # Exempt clients are never banned.
    for _ in range(3):
        assert not logs_in(office, 'bob@example.test', 'wrong')
    assert logs_in(office, 'bob@example.test', PASSWORD)
    office.stop()
    assert office.run('ban', 'list').returncode == 75
    office.start()


def expire(office, user=None):
    with office.wire('pop3s') as w:
        w.line()
        if user:
            w.pop(f'USER {user}')
            assert w.pop(f'PASS {PASSWORD}').startswith('+OK')
        w.send('CAPA\r\n')
        w.line()
        return [line for line in w.multi() if line.startswith(b'EXPIRE')][0].decode()


def test_retention(office):
    """RFC 2449 6.7: before login the least of all users, after it one's own."""
    ann, bob = 'ann@example.test', 'bob@example.test'
    assert expire(office) == 'EXPIRE NEVER'
    office.must('account', 'set', ann, '--retention-days', '40')
    office.must('domain', 'set', 'example.test', '--retention-days', '60')
    assert expire(office) == 'EXPIRE 40 USER'
    assert (expire(office, ann), expire(office, bob)) == ('EXPIRE 40', 'EXPIRE 60')
    office.must('account', 'set', bob, '--retention-days', 'never')
    assert expire(office, bob) == 'EXPIRE NEVER'
    assert office.json('account', 'show', ann)[0]['retention_days'] == 40
    assert office.json('account', 'show', bob)[0]['retention_days'] is None
    rows = {r['domain']: r['retention_days'] for r in office.json('domain', 'list')}
    assert rows['example.test'] == 60, rows
    office.stop()
    office.start()
    assert expire(office) == 'EXPIRE 40 USER', 'after a restart'
    for words, code in ((('account', 'set', ann, '--retention-days', '0'), 64),
                        (('account', 'set', ann, '--retention-days', '36501'), 64),
                        (('domain', 'set', 'example.test'), 64),
                        (('domain', 'set', 'nowhere.test', '--retention-days', '1'), 67)):
        done = office.run(*words)
        assert done.returncode == code, (words, done)
    office.must('account', 'set', ann, '--retention-days', 'default')
    office.must('account', 'set', bob, '--retention-days', 'default')
    office.must('domain', 'set', 'example.test', '--retention-days', 'default')
    assert (expire(office), expire(office, ann)) == ('EXPIRE NEVER', 'EXPIRE NEVER')


def test_many_from_a_file(office):
    path = os.path.join(office.dir, 'many')
    good = [f'many{i}@example.test\t{{PLAIN}}secret {i}' for i in range(220)]
    bad = {10: 'no tab here', 20: 'ann@example.test\t{PLAIN}x', 205: 'x@nowhere.test\t{PLAIN}x',
           206: 'y@example.test\t{NOSUCH}x', 215: 'many3@example.test\t{PLAIN}again'}
    lines = list(good)
    for n in sorted(bad):
        lines.insert(n - 1, bad[n])
    lines += ['', '# a remark', 'typed@example.test\tsecret word']
    with open(path, 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines) + '\n')
    done = office.run('account', 'add', '--from', path, '--quota-messages', '7', '--json', timeout=240)
    assert done.returncode == 65, done
    assert json.loads(done.stdout) == {'added': 221, 'failed': 5}, done
    told = [line for line in done.stderr.decode().split('\n') if line]
    assert sorted(int(line.split(':')[1]) for line in told) == sorted(bad), told
    assert logs_in(office, 'many0@example.test', 'secret 0')
    assert logs_in(office, 'many219@example.test', 'secret 219')
    assert logs_in(office, 'typed@example.test', 'secret word')
    assert logs_in(office, 'many3@example.test', 'secret 3') and not logs_in(
        office, 'many3@example.test', 'again')
    assert office.json('account', 'show', 'many219@example.test')[0]['quota_messages'] == 7
    assert json.loads(office.run('account', 'add', '--from', path, '--json', timeout=240).stdout)['added'] == 0
    for words, code in (((), 64), (('a@example.test', '--from', path), 64),
                        (('--from', '/nowhere'), 66),
                        (('--from', path, '--quota-bytes', 'x'), 64)):
        done = office.run('account', 'add', *words)
        assert done.returncode == code, (words, done)


def ends_of_data(smtp, address, size, between=None):
    """The reply to RCPT, and to the message."""
    smtp.mail('x@elsewhere.test')
    taken = smtp.rcpt(address)[0]
    if taken != 250:
        smtp.rset()
        return taken, None
    if between is not None:
        between()
    return taken, smtp.data(b'Subject: brief\r\n\r\n' + (b'x' * 68 + b'\r\n') * (size // 70))[0]


def test_more_accounts_than_one_answer_has(office):
    before = [r['address'] for r in office.json('account', 'list')]
    path = os.path.join(office.dir, 'many')
    with open(path, 'w', encoding='ascii') as f:
        f.writelines(f'part{i:04d}@example.test\t{{SHA256}}n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=\n' for i in range(2000))
    office.must('account', 'add', '--from', path)
    wanted = sorted(before + [f'part{i:04d}@example.test' for i in range(2000)])
    rows = office.json('account', 'list')
    assert [r['address'] for r in rows] == wanted and all('messages' in r for r in rows)
    assert len(office.must('account', 'list').splitlines()) == len(wanted)
    office.stop()
    assert [r['address'] for r in office.json('account', 'list')] == wanted
    office.start()


def test_a_recipient_taken_a_moment_ago(office):
    """An edge says yes again to whom the store took mail for, until an account changes; the store decides again."""
    address = 'brief@example.test'
    for size in 70, 200 * 1024:
        office.add_account(address)
        with office.mx() as smtp:
            smtp.ehlo()
            for _ in range(3):
                assert ends_of_data(smtp, address, size) == (250, 250)
            office.must('account', 'disable', address)
            assert ends_of_data(smtp, address, size)[0] == 550
            office.must('account', 'enable', address)
            for _ in range(3):
                assert ends_of_data(smtp, address, size) == (250, 250)
            pop = office.pop(address)
            assert pop.stat()[0] == 6
            pop.quit()
            gone = ends_of_data(smtp, address, size, lambda: office.must('account', 'del', address))
            assert gone == (250, 451)
            assert ends_of_data(smtp, address, size)[0] == 550
            assert ends_of_data(smtp, 'ann@example.test', size) == (250, 250)


def test_a_typed_password_is_not_too_short(office):
    def typed(word):
        with Terminal() as t:
            t.start(BIN, 'account', 'passwd', office.ann, '--state', office.state)
            for question in ('New password', 'Once more'):
                t.wait(question)
                t.type(word)
                t.keys('Enter')
            return t.ended(), t.screen()
    status, said = typed('abc')
    assert status == 65 and any('shorter than 8 octets' in line for line in said), said
    assert typed('abcdefgh')[0] == 0
    office.pop(password='abcdefgh').quit()
    office.must('account', 'passwd', office.ann, '--password-stdin', stdin=PASSWORD.encode() + b'\n')


def test_an_apostrophe_in_a_name(office):
    name = "o'brien@example.test"
    assert office.run('domain', 'add', '192.0.2.1').returncode == 64
    office.add_account(name)
    office.deliver(b'Subject: tick\r\n\r\nx\r\n', to=name)
    assert [m['uidl'] for m in office.json('mailbox', 'list', name)]
    with office.submit(name) as s:
        s.sendmail(name, name, b'Subject: own\r\n\r\nx\r\n')
    wait_until(lambda: len(office.json('mailbox', 'list', name)) == 2, 30, 'both are there')
    assert len(office.fetch(name)) == 2
    office.must('account', 'set', name, '--retention-days', '7')
    office.must('alias', 'add', "d'angelo@example.test", name)
    office.deliver(b'Subject: alias\r\n\r\nx\r\n', to="d'angelo@example.test")
    assert len(office.fetch(name)) == 1
    office.must('alias', 'del', "d'angelo@example.test")
    office.must('account', 'del', name)
    assert office.run('account', 'show', name).returncode != 0
