"""Local programs hand in mail: sendmail by name, restante submit, and the programs that call it."""

import concurrent.futures
import email
import email.header
import email.utils
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

from office import BIN, Skip, environment, wait_until

OFFICE = {'config': """account_recipients_per_hour = 40
carriers = 0
"""}
USER = pwd.getpwuid(os.getuid()).pw_name
NOBODY = 65534


def sendmail(office, *words, stdin=b'', name='sendmail', **how):
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        path = os.path.join(place, name)
        os.symlink(BIN, path)
        return subprocess.run([path, *words], input=stdin, capture_output=True, timeout=60,
                              check=False, env={**environment(), 'RESTANTE_STATE': office.state},
                              **how)


def sent(office, *words, stdin=b''):
    done = sendmail(office, *words, stdin=stdin)
    assert done.returncode == 0 and done.stderr == b'', done
    message = office.fetch_one()
    return message, email.message_from_bytes(message)


def test_line_ends_and_dots(office):
    office.fetch()
    raw, m = sent(office, '-i', 'ann@example.test',
                  stdin=b'Subject: cron\n\none\n.\n..two\nprogress\rdone\r\nlast')
    assert raw.endswith(b'\r\n\r\none\r\n.\r\n..two\r\nprogress\r\ndone\r\nlast\r\n'), raw
    assert m['From'].endswith(f'<{USER}@example.test>'), m['From']
    assert m['Date'] and m['Message-ID']
    assert m['Return-Path'] == f'<{USER}@example.test>'
    assert f'[uid-{os.getuid()}]' in m['Received'], m['Received']
    raw, _ = sent(office, 'ann@example.test', stdin=b'Subject: x\n\none\n.\nnot this\n')
    assert raw.endswith(b'\r\n\r\none\r\n'), raw
    raw, _ = sent(office, '-oi', 'ann@example.test', stdin=b'no header at all\nmore\n')
    assert raw.endswith(b'>\r\n\r\nno header at all\r\nmore\r\n'), raw


def test_addresses_without_a_domain(office):
    office.fetch()
    _, m = sent(office, '-FCronDaemon', '-i', '-t', '-froot',
                stdin=b'From: root (Cron Daemon)\nTo: "A, B" <ann>\nX: y\n\nb\n')
    assert m['From'] == 'root@example.test (Cron Daemon)' and m['To'] == '"A, B" <ann@example.test>'
    assert m['Return-Path'] == '<root@example.test>'
    _, m = sent(office, '-f', '', 'Ann <ann>', stdin=b'Subject: no sender\n\n')
    assert m['Return-Path'] == '<>' and m['From'].endswith(f'<{USER}@example.test>'), m['From']


def test_recipients_of_the_header(office):
    office.fetch()
    office.fetch('bob@example.test')
    raw, m = sent(office, '-t', '-i', stdin=b'To: ann@example.test\nBcc: bob@example.test,\n u@else.test\n'
                  b'Subject: hidden\n\nx\n')
    assert m['Bcc'] is None and b'bob@' not in raw and b'else.test' not in raw, raw
    assert len(office.fetch('bob@example.test')) == 1
    assert [r['recipient'] for r in office.json('queue', 'list')] == ['u@else.test']
    assert office.json('queue', 'list')[0]['client'] == f'uid-{os.getuid()}'
    raw, m = sent(office, '-t', stdin=b'To: Bea <b@[IPv6:2001:db8::1]>, c@[192.0.2.3], d@[IPv6:::1], ann\n'
                  b'Subject: literals\n\nx\n')
    assert m['To'] == 'Bea <b@[IPv6:2001:db8::1]>, c@[192.0.2.3], d@[IPv6:::1], ann@example.test', m['To']
    assert {r['recipient'] for r in office.json('queue', 'list')} == {
        'u@else.test', 'b@[IPv6:2001:db8::1]', 'c@[192.0.2.3]', 'd@[IPv6:::1]'}
    # a resent message goes to those of this sending only (RFC 5322 3.6.6)
    sent(office, '-t', stdin=b'Resent-To: ann@example.test\nTo: bob@example.test\n\nx\n')
    assert office.fetch('bob@example.test') == []
    done = sendmail(office, '-t', stdin=b'Subject: nobody\n\nx\n')
    assert done.returncode == 64 and b'no recipients' in done.stderr
    office.must('queue', 'drop', '--all')


def test_nobody_is_left_out_in_silence(office):
    office.fetch()
    office.fetch('bob@example.test')
    for to in (b'ann@example.test bob@example.test', b'Ann <ann@example.test> bob@example.test',
               b'ann@example.test <bob@example.test> x', b'team: ann@example.test bob@example.test;'):
        done = sendmail(office, '-t', stdin=b'To: ' + to + b'\nSubject: x\n\ny\n')
        assert done.returncode == 65 and b'commas' in done.stderr, (to, done)
    assert office.fetch() == [] and office.fetch('bob@example.test') == []
    for to in (b'Ann (a, b) <ann@example.test> (at home), bob@example.test (Bob)',
               b'undisclosed:;, team: ann@example.test; bob@example.test'):
        sendmail(office, '-t', stdin=b'From: Ann B ann@example.test\nTo: ' + to + b'\nSubject: x\n\ny\n')
        assert len(office.fetch()) == 1 and len(office.fetch('bob@example.test')) == 1, to


def test_what_the_caller_is_told(office):
    office.fetch()
    for words, code in ((['nobody@example.test'], 67), (['ann@example.test', 'nobody@example.test'], 67),
                        ([], 64), (['-y', 'ann@example.test'], 64), (['-f'], 64), (['-bd'], 64),
                        (['-f', 'a@b, c@d', 'ann@example.test'], 64), (['-bi'], 0),
                        (['-f', 'a b', 'ann@example.test'], 64), (['ann@example.test bob@example.test'], 64),
                        (['Ann <ann@example.test> bob@example.test'], 64),
                        (['-Z'], 64), (['-N', 'sometimes', 'ann@example.test'], 64),
                        (['-R', 'full\r\nRSET', 'ann@example.test'], 64),
                        (['-V', 'x' * 101, 'ann@example.test'], 64), (['-V', 'é', 'ann@example.test'], 64),
                         (['--', '-f@example.test'], 67)):
        done = sendmail(office, *words, stdin=b'Subject: x\n\ny\n')
        assert done.returncode == code, (words, done)
        assert done.stderr.count(b'\n') == (code != 0), done.stderr
    assert office.fetch() == []  # nothing was sent to those who are there either
    done = sendmail(office, '<ann@example.test\r\nRCPT TO:bob@example.test>', stdin=b'x\n')
    assert done.returncode == 64 and b'commas' in done.stderr, done
    done = subprocess.run([BIN, 'sendmail', 'ann@example.test'], stdin=os.open('/', os.O_RDONLY),
                          capture_output=True, check=False,
                          env={**environment(), 'RESTANTE_STATE': office.state})
    assert done.returncode == 66, done
    done = subprocess.run([BIN, 'sendmail', '--state', '/nonexistent', 'ann@example.test'], input=b'x\n',
                          capture_output=True, check=False, env=environment())
    assert done.returncode == 75, done


def test_flags_of_others(office):
    office.fetch()
    sent(office, '-oem', '-oi', '-odb', '-O', 'DeliveryMode=b', '-B8BITMIME', '-N', 'failure,delay',
         '-R', 'hdrs', '-V', 'a+b=c d', '-v', '-U', '-h5', '-bm', '-X/dev/null', '--', 'ann@example.test',
         stdin='Subject: x\n\nGrüße\n'.encode())
    sendmail(office, '-N', 'never', '-V', 'a+b=c d', 'u@else.test', stdin=b'\nx\n')
    assert len(office.json('queue', 'list')) == 1
    listed = sendmail(office, '-bp')
    assert listed.returncode == 0 and b'u@else.test' in listed.stdout
    assert sendmail(office, name='mailq').stdout == listed.stdout
    assert sendmail(office, '-q').returncode == 0
    assert sendmail(office, '-q30m').returncode == 0
    assert sendmail(office, name='newaliases').returncode == 0
    assert b'sendmail' in sendmail(office, '--help').stdout
    office.must('queue', 'drop', '--all')


def test_submit(office):
    office.fetch()
    office.must('submit', '--sender', 'ann@example.test', '--name', 'A "B"', 'ann@example.test',
                stdin=b'Subject: x\n\n.\n')
    raw = office.fetch_one()
    assert raw.endswith(b'\r\n\r\n.\r\n') and b'From: "A \\"B\\"" <ann@example.test>\r\n' in raw, raw
    # many users have no name, and who has one may not be named in ASCII
    for name, said in (('', b'ann@example.test'), ('\x01', b'ann@example.test'),
                       ('Jörg "J" ' + 'ü' * 40, b'=?utf-8?B?SsO2cmcgIkoiIMO8')):
        office.must('submit', '--sender', 'ann@example.test', '--name', name, 'ann@example.test', stdin=b'Subject: x\n\n.\n')
        raw = office.fetch_one()
        assert raw.isascii() and b'\r\nFrom: ' + said in raw, raw
        shown, address = email.utils.parseaddr(email.message_from_bytes(raw)['From'])
        shown = str(email.header.make_header(email.header.decode_header(shown)))
        assert (shown, address) == (name.strip('\x01'), 'ann@example.test'), (shown, raw)
    office.must('submit', '--header', stdin=b'To: ann@example.test\n\n')
    office.fetch_one()


def test_the_id_of_what_was_taken(office):
    message = b'To: ann@example.test\n\nx\n'
    said = [office.must('submit', 'ann@example.test', stdin=message),
            office.must('submit', '--header', '--json', stdin=message),
            sendmail(office, '-v', 'ann@example.test', stdin=message).stdout]
    ids = [said[0].decode().rstrip('\n'), json.loads(said[1])['id'], said[2].decode().rstrip('\n')]
    assert len(set(ids)) == 3 and all(s.count(b'\n') == 1 for s in said), said
    for one in ids:
        assert office.json('trace', one), one
    assert sendmail(office, 'ann@example.test', stdin=message).stdout == b''
    done = office.run('submit', 'nobody@example.test', stdin=message)
    assert done.returncode == 67 and done.stdout == b'', done
    office.fetch()


def test_smtp_on_standard_input(office):
    office.fetch()
    done = sendmail(office, '-bs', stdin=b'EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.test>\r\n'
                    b'DATA\r\n')
    lines = done.stdout.decode().split('\r\n')
    assert lines[0].startswith('220 ') and '250 XORIGIN example.test' in lines, lines
    assert any(line.startswith('354') for line in lines), lines
    with tempfile.TemporaryFile() as f:
        f.write(b'EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.test>\r\nRCPT TO:<u@else.test>\r\n'
                b'BDAT 4 LAST\r\n\r\n\r\nQUIT\r\n')
        f.seek(0)
        done = subprocess.run([BIN, 'sendmail', '-bs', '--state', office.state], stdin=f,
                              capture_output=True, check=False, timeout=30, env=environment())
    assert b'stored' in done.stdout and b'221' in done.stdout, done
    office.fetch_one()
    office.must('queue', 'drop', '--all')


def test_smtp_typed(office):
    office.fetch()
    keyboard, terminal = os.openpty()
    out = bytearray()
    with subprocess.Popen([BIN, 'sendmail', '-bs', '--state', office.state], stdin=terminal, bufsize=0,
                          stdout=subprocess.PIPE, env=environment()) as p:
        os.close(terminal)
        os.set_blocking(p.stdout.fileno(), False)
        for text, answer in ((b'EHLO x\nMAIL FROM:<a@b.test>\nRCPT TO:<ann@example.test>\nDATA\n', b'\r\n354 '),
                             (b'Subject: typed\n\nby hand\n.\nQUIT\n', b'\r\n221 ')):
            os.write(keyboard, text)
            try:
                wait_until(lambda want=answer: out.extend(p.stdout.read() or b'') or want in out, 20, answer)
            except AssertionError:
                p.kill()
                raise
        os.close(keyboard)
    assert b'stored' in out, out
    assert b'Subject: typed\r\n\r\nby hand\r\n' in office.fetch_one()


def test_every_user(office):
    if os.getuid() != 0:
        raise Skip('needs root, to become another user')
    assert os.stat(office.state).st_mode & 0o7777 == 0o711, oct(os.stat(office.state).st_mode)
    office.fetch()
    done = sendmail(office, 'u@else.test', 'ann@example.test', stdin=b'Subject: from nobody\n\nx\n',
                    user=NOBODY, group=NOBODY, extra_groups=[])
    assert done.returncode == 0, done
    m = email.message_from_bytes(office.fetch_one())
    assert f'[uid-{NOBODY}]' in m['Received'] and m['From'].endswith('<nobody@example.test>')
    # nothing else of the office is theirs
    done = sendmail(office, '-bp', user=NOBODY, group=NOBODY, extra_groups=[])
    assert done.returncode == 77, done
    for name in ('control.sock', 'restante.conf', 'store', 'lock'):
        done = subprocess.run(['cat', office.path(name)], user=NOBODY, group=NOBODY, extra_groups=[],
                              capture_output=True, check=False)
        assert done.returncode != 0 and b'ermission' in done.stderr, (name, done)
    # and each has the bounds of an account
    codes = [sendmail(office, *[f'u{i}-{k}@else.test' for k in range(20)], stdin=b'x\n', user=NOBODY,
                      group=NOBODY, extra_groups=[]).returncode for i in range(3)]
    assert codes[0] == 0 and codes[-1] == 75, codes
    assert sendmail(office, 'u@else.test', stdin=b'x\n').returncode == 0  # another user
    office.must('queue', 'drop', '--all')


def test_strangers_are_not_local(office):
    with office.wire('submission') as w:
        w.reply()
        assert 'XORIGIN' not in w.ask('EHLO x')
        assert w.ask('MAIL FROM:<ann@example.test>').startswith('530')


def test_programs_that_call_it(office):
    office.fetch()
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        path = os.path.join(place, 'sendmail')
        os.symlink(BIN, path)
        env = {**environment(), 'RESTANTE_STATE': office.state, 'HOME': place,
               'EMAIL': 'bob@example.test'}
        tried = 0
        for command in (['s-nail', '-n', '-Smta=' + path, '-s', 'hello', 'ann@example.test'],
                        ['bsd-mailx', '-n', '-Ssendmail=' + path, '-s', 'hello', 'ann@example.test'],
                        ['mutt', '-n', '-F/dev/null', '-e', f'set sendmail="{path} -oem -oi"',
                         '-e', 'set copy=no', '-s', 'hello', 'ann@example.test']):
            if shutil.which(command[0]) is None:
                continue
            done = subprocess.run(command, input=b'a line\n.\nanother\n', capture_output=True, env=env,
                                  check=False, timeout=60)
            assert done.returncode == 0, done
            got = wait_until(office.fetch, 10, f'mail of {command[0]}')
            m = email.message_from_bytes(got[0])
            assert m['Subject'] == 'hello' and 'a line' in m.get_payload(), (command[0], got)
            tried += 1
        if tried == 0:
            raise Skip('no s-nail, bsd-mailx or mutt')


def test_verp(office):
    for word, want in (('-XV', f'{USER}+x=far.test@example.test'), ('-XV-=', f'{USER}-x=far.test@example.test'),
                       ('-X/dev/null', f'{USER}@example.test')):
        done = sendmail(office, word, '-i', 'x@far.test', stdin=b'Subject: list\n\nx\n')
        assert done.returncode == 0, done
        rows = office.json('queue', 'list', '--recipient', 'x@far.test')
        assert [r['sender'] for r in rows] == [want], rows
        office.must('queue', 'drop', '--recipient', 'x@far.test')
    done = sendmail(office, '-XV', '-f', '', 'x@far.test', stdin=b'Subject: list\n\nx\n')
    assert done.returncode == 65 and b'XVERP needs a sender' in done.stderr, done


def test_without_a_server(office):
    office.stop()
    done = sendmail(office, 'ann@example.test', stdin=b'x\n')
    assert done.returncode == 75 and b'was not taken' in done.stderr, done
    assert done.stderr.count(b'\n') == 1, done
    # What is handed in while the server is started again waits for it.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waits = pool.submit(sendmail, office, 'ann@example.test', stdin=b'Subject: over a restart\n\nx\n')
        time.sleep(0.5)
        office.start()
        done = waits.result()
    assert done.returncode == 0, done
    assert any(b'over a restart' in m for m in office.fetch())
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(office.path('submit.sock'))
        assert s.recv(100).startswith(b'220 ')
