"""POP3 beyond RFC 1939: UTF-8, languages, login delay, what is announced."""

import os
import time

from office import PASSWORD, Office, wait_until

ANN = 'ann@example.test'
BOB = 'bob@example.test'

UTF8 = ('From: Jürgen <jürgen@elsewhere.test>\r\nTo: ann@example.test, Bób <bob@example.test>\r\n'
        'Subject: Grüße\r\nX-Note: ü\r\nMIME-Version: 1.0\r\n'
        'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
        'Grüße\r\n.\r\nzwei\r\n').encode()


def login(office, user=ANN, before=()):
    w = office.wire('pop3s')
    w.line()
    for command in before:
        assert w.pop(command).startswith('+OK'), command
    assert w.pop(f'USER {user}').startswith('+OK')
    said = w.pop(f'PASS {PASSWORD}')
    assert said.startswith('+OK'), said
    return w


def capabilities(office):
    with office.wire('pop3s') as w:
        w.line()
        w.pop('CAPA')
        return [c.decode() for c in w.multi()]


def submit(office, raw, to=ANN):
    """By SMTP, 8-bit header and all."""
    with office.mx() as s:
        s.ehlo()
        s.mail('x@elsewhere.test', ['BODY=8BITMIME', 'SMTPUTF8'])
        s.rcpt(to)
        assert s.data(raw)[0] == 250


def with_settings(settings, test):
    """A second office, for settings that this one has not."""
    other = Office(config=settings)
    try:
        other.open()
        test(other)
        other.close()
    finally:
        other.destroy()


def test_capabilities(office):
    rows = capabilities(office)
    for row in ('UTF8 USER', 'LANG', 'EXPIRE NEVER', 'IMPLEMENTATION Restante'):
        assert row in rows, rows
    assert not any(row.startswith('LOGIN-DELAY') for row in rows), rows


def test_utf8_gets_the_message_as_it_is(office):
    submit(office, UTF8)
    with login(office, before=['UTF8']) as w:
        assert w.pop('RETR 1').startswith('+OK')
        got = b''.join(line + b'\r\n' for line in w.multi())
        assert got.endswith(UTF8), got
        size = int(w.pop('LIST 1').split()[2])
        assert size == len(got), (size, len(got))
        w.pop('QUIT')


def test_without_utf8_the_header_is_ascii(office):
    with login(office) as w:
        assert w.pop('RETR 1').startswith('+OK')
        whole = w.multi()
        blank = whole.index(b'')
        header = b'\r\n'.join(whole[:blank])
        assert header.isascii(), header
        assert b'Subject: =?UTF-8?B?R3LDvMOfZQ==?=' in header, header
        assert b'<invalid@internationalized-address.invalid>' in header, header
        assert b'ann@example.test' in header and b'<bob@example.test>' in header, header
        assert b'X-Note' not in header, header
        assert whole[blank + 1:] == ['Grüße'.encode(), b'.', b'zwei'], whole[blank:]
        for n in (0, 1, 2):
            assert w.pop(f'TOP 1 {n}').startswith('+OK')
            assert w.multi() == whole[:blank + 1 + n], n
        w.pop('QUIT')


def test_a_header_longer_than_a_packet(office):
    fields = ''.join(f'X-{n}: {"y" * 70}\r\n' for n in range(2000))
    raw = (fields + 'Subject: Grüße\r\n\r\nGrüße\r\n').encode()
    submit(office, raw, BOB)
    with login(office, BOB) as w:
        assert w.pop('RETR 1').startswith('+OK')
        got = b''.join(line + b'\r\n' for line in w.multi())
        want = raw.replace('Subject: Grüße'.encode(), b'Subject: =?UTF-8?B?R3LDvMOfZQ==?=')
        assert got.endswith(want), got[-300:]
        assert w.pop('DELE 1').startswith('+OK')
        w.pop('QUIT')


def test_an_undeclared_8_bit_header_is_not_touched(office):
    raw = 'From: x@elsewhere.test\r\nSubject: Gr\u00fc\u00dfe\r\n\r\nText: \u00e4\r\n'.encode()
    with office.mx() as s:
        s.ehlo()
        s.mail('x@elsewhere.test', ['BODY=8BITMIME'])
        s.rcpt(ANN)
        assert s.data(raw)[0] == 250
    with login(office) as w:
        last = int(w.pop('STAT').split()[1])
        assert w.pop(f'RETR {last}').startswith('+OK')
        assert b'\r\n'.join(w.multi() + [b'']).endswith(raw)
        assert w.pop(f'DELE {last}').startswith('+OK')
        w.pop('QUIT')


def test_utf8_ends_stls(office):
    with office.wire('pop3') as w:
        w.line()
        assert w.pop('UTF8').startswith('+OK')
        assert w.pop('STLS').startswith('-ERR')


def test_languages(office):
    with login(office, before=['LANG de']) as w:
        assert w.pop('NOOP') == '+OK'
        assert w.pop('DELE 9').startswith('-ERR keine solche Nachricht'), 'not in German'
        assert w.pop('LANG *') == '+OK en language changed'
        assert w.pop('LANG').startswith('+OK')
        assert b'de Deutsch' in w.multi()
        w.pop('QUIT')


def test_no_delay_unless_asked_for(office):
    for _ in range(3):
        submit(office, b'Subject: x\r\n\r\n', BOB)
        with login(office, BOB) as w:
            w.pop('DELE 1')
            assert w.pop('QUIT').startswith('+OK')


def test_login_delay(_office):
    def check(office):
        rows = capabilities(office)
        assert 'LOGIN-DELAY 3' in rows and 'EXPIRE 30' in rows, rows
        assert 'IMPLEMENTATION post/0.1.0' in rows, rows
        submit(office, b'Subject: x\r\n\r\n')
        for _ in range(2):  # nothing deleted: no delay
            with login(office) as w:
                w.pop('QUIT')
        with login(office) as w:
            started = time.monotonic()
            w.pop('DELE 1')
            w.pop('QUIT')
        with office.wire('pop3s') as w:
            w.line()
            w.pop(f'USER {ANN}')
            said = w.pop(f'PASS {PASSWORD}')
            assert said.startswith('-ERR [LOGIN-DELAY]'), said
            assert w.at_end()
        with login(office, BOB) as w:  # everybody else is welcome
            w.pop('QUIT')
        time.sleep(max(0, started + 3.5 - time.monotonic()))
        with login(office) as w:
            w.pop('QUIT')
    with_settings('pop3_login_delay = 3s\nretention_days = 30\nimplementation = "post/%v"\n',
                  check)


def test_refusal_workarounds_and_uidls(_office):
    def check(office):
        assert not any(r.startswith('IMPLEMENTATION') for r in capabilities(office))
        submit(office, UTF8)
        with office.mx() as s:  # no blank line at all
            s.sendmail('x@elsewhere.test', ANN, b'Subject: only\r\n')
        with login(office, before=['LANG *']) as w:
            assert w.pop('RETR 1').startswith('-ERR [UTF8] '), 'not refused'
            assert w.pop('TOP 1 0').startswith('-ERR [UTF8] ')
            assert w.pop('RETR 2').startswith('+OK')
            lines = w.multi()
            assert lines[-1] == b'' and lines[-2] == b'Subject: only', lines
            w.pop('UIDL')
            uidls = [line.split()[1].decode() for line in w.multi()]
            assert all(u.startswith('r-') and len(u) == 28 for u in uidls), uidls
            w.pop('QUIT')
    with_settings('pop3_utf8_headers = refuse\npop3_workarounds = "nul separator"\n'
                  'pop3_uidl_format = "r-%i"\nimplementation = ""\npop3_language = fr\n', check)


def sessions(office, user):
    return [s for s in office.json('who') if s['user'] == user]


def test_who_and_kick_by_session(office):
    assert sessions(office, ANN) == []
    with login(office) as w, login(office, BOB) as other:
        row, = sessions(office, ANN)
        assert row['protocol'] == 'pop3' and row['ip'] == '127.0.0.1', row
        assert row['state'] == 'maildrop open', row
        assert w.pop('DELE 1').startswith('+OK')
        office.must('kick', row['session'])
        assert w.line() == b'-ERR [SYS/TEMP] the administrator ended this session'
        assert w.at_end()
        assert other.pop('NOOP').startswith('+OK')
        wait_until(lambda: not sessions(office, ANN), 5, 'the session is gone')
        assert office.run('kick', row['session']).returncode != 0
        assert office.run('kick', 'nobody@example.test').returncode != 0
    with login(office) as w:  # nothing was deleted
        assert w.pop('STAT').split()[1] == '1'


def test_kick_by_address_is_for_all_protocols(office):
    with login(office) as w:
        mail = office.submit(ANN)
        wait_until(lambda: len(sessions(office, ANN)) == 2, 5, 'two sessions')
        assert {s['protocol'] for s in sessions(office, ANN)} == {'pop3', 'smtp'}
        rows = office.json('kick', 'Ann@Example.Test')
        assert rows == [{'kicked': 2}], rows
        assert w.line().startswith(b'-ERR')
        assert mail.noop() == (421, b'4.3.2 the administrator ended this session')
        mail.close()


def test_kick_of_a_client_that_does_not_read(office):
    big = b'Subject: big\r\n\r\n' + b'0123456789' * 7 + b'\r\n'
    submit(office, big + b'x' * 900 + b'\r\n', BOB)
    for _ in range(3):
        submit(office, big + (b'y' * 900 + b'\r\n') * 10000, BOB)
    with login(office, BOB) as w:
        w.send('RETR 2\r\nRETR 3\r\nRETR 4\r\n')
        time.sleep(0.5)
        office.must('kick', BOB)
        wait_until(lambda: not sessions(office, BOB), 10, 'the session is gone')
    with login(office, BOB) as w:
        for n in (1, 2, 3, 4):
            w.pop(f'DELE {n}')
        w.pop('QUIT')


def test_capture(office):
    submit(office, b'Subject: captured\r\n\r\nhello\r\n', BOB)
    row, = office.json('account', 'capture', BOB, 'on')
    directory = office.path(*row['directory'].split('/'))
    assert row['capture'] is True
    for user in (ANN, BOB):
        with login(office, user) as w:
            w.send('pa')
            time.sleep(0.1)
            w.send('ss Geheim1\r\n')
            assert w.line().startswith(b'-ERR')
            w.send('AUTH PLAIN AEdlaGVpbTI=\r\nRETR 1\r\n')
            assert w.line().startswith(b'-ERR')
            assert w.line().startswith(b'+OK')
            w.multi()
            w.pop('QUIT')

    def files():
        return [f for f in os.listdir(directory) if f.endswith('.txt')]
    name, = wait_until(files, 5, 'a capture')
    path = os.path.join(directory, name)

    def text():
        with open(path, 'rb') as f:
            return f.read()
    wait_until(lambda: b'signing off' in text(), 5, 'the end of the session')
    said = text()
    assert b'C: RETR 1\r\n' in said and b'S: hello\r\n' in said, said
    assert b'pass ****\n' in said and b'AUTH ****\n' in said, said
    for secret in (b'Geheim1', b'AEdlaGVpbTI', PASSWORD.encode()):
        assert secret not in said, said
    assert os.stat(path).st_mode & 0o077 == 0
    office.must('account', 'capture', BOB, 'off')
    with login(office, BOB) as w:
        w.pop('DELE 1')
        w.pop('QUIT')
    office.must('account', 'capture', BOB, 'on')
    mark = os.path.join(directory, 'on')
    old = time.time() - 25 * 3600
    os.utime(mark, (old, old))
    with login(office, BOB) as w:  # a day is over
        w.pop('QUIT')
    assert files() == [name], files()
    os.utime(path, (old - 7 * 86400, old - 7 * 86400))
    office.must('account', 'capture', BOB, 'on')  # a week is over
    assert files() == [], files()
    assert office.run('account', 'capture', BOB, 'perhaps').returncode == 64


def test_a_capture_is_bounded(office):
    line = b'z' * 900 + b'\r\n'
    submit(office, b'Subject: big\r\n\r\n' + line * 2500, BOB)
    row, = office.json('account', 'capture', BOB, 'on')
    directory = office.path(*row['directory'].split('/'))
    with login(office, BOB) as w:
        w.pop('RETR 1')
        assert len(w.multi()) > 2500
        w.pop('DELE 1')
        w.pop('QUIT')
    sizes = [os.path.getsize(os.path.join(directory, f)) for f in os.listdir(directory)]
    assert 1 << 20 <= max(sizes) < (1 << 20) + (1 << 16), sizes
    office.must('account', 'capture', BOB, 'off')
