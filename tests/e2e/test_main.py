"""The main job: in by SMTP, kept, out by POP3, the same octets."""

import re

import messages
from office import PASSWORD, added, wait_until


def same_message(office, raw, implicit_in, implicit_out):
    with office.submit('ann@example.test', implicit=implicit_in) as s:
        refused = s.sendmail('ann@example.test', ['bob@example.test'], raw)
        assert refused == {}, refused
    p = office.pop('bob@example.test', implicit=implicit_out)
    count, octets = p.stat()
    assert count == 1, count
    got = b''.join(line + b'\r\n' for line in p.retr(1)[1])
    # RFC 1939 11: what STAT and LIST say is what is sent.
    assert octets == len(got), (octets, len(got))
    assert p.list(1) == b'+OK 1 %d' % len(got) or p.list(1).startswith(b'+OK 1 %d' % len(got))
    p.dele(1)
    p.quit()
    return added(got, raw)


def lists_of(pid):
    """How many lists of system calls a process has; 0 when it might still get privileges."""
    with open(f'/proc/{pid}/status', encoding='utf-8') as f:
        status = dict(line.rstrip('\n').split(':\t', 1) for line in f)
    return int(status['Seccomp_filters']) if status['Seccomp'] == '2' and status['NoNewPrivs'] == '1' else 0


def test_every_process_is_confined(office):
    """test_sandbox.c says what that means for each; a child has its own list on top of the parent's."""
    assert lists_of(office.process.pid) == 1
    assert len(office.children()) >= 2
    wait_until(lambda: all(lists_of(pid) == 2 for pid in office.children()), 60, 'lists of their own')


def test_every_shape_by_starttls_and_stls(office):
    for name, raw in messages.shapes():
        try:
            same_message(office, raw, False, False)
        except Exception as error:
            raise AssertionError(f'{name}: {type(error).__name__}: {error}') from error


def test_every_shape_by_implicit_tls(office):
    for name, raw in messages.shapes():
        try:
            same_message(office, raw, True, True)
        except Exception as error:
            raise AssertionError(f'{name}: {type(error).__name__}: {error}') from error


def test_every_shape_from_outside(office):
    for name, raw in messages.shapes():
        office.deliver(raw, 'ann@example.test')
        got = office.fetch_one('ann@example.test')
        try:
            head = added(got, raw)
        except AssertionError as error:
            raise AssertionError(f'{name}: {error}') from error
        assert head.startswith(b'Return-Path: <x@elsewhere.test>\r\n'), head
        assert b'by mail.example.test' in head, head


def test_chunking_delivers_the_same(office):
    # RFC 3030: BDAT needs no dots; the chunk borders lie anywhere.
    raw = messages.plain(b'.\r\n..\r\na\r\n.\r\n' * 500)
    for cut in (1, 7, 1000, len(raw)):
        with office.wire('smtp') as w:
            w.reply()
            assert 'CHUNKING' in w.ask('EHLO client.test')
            assert w.ask('MAIL FROM:<x@elsewhere.test>').startswith('250')
            assert w.ask('RCPT TO:<ann@example.test>').startswith('250')
            pieces = [raw[i:i + cut] for i in range(0, min(len(raw), cut * 50), cut)]
            pieces.append(raw[sum(map(len, pieces)):])
            for i, piece in enumerate(pieces):
                last = b' LAST' if i == len(pieces) - 1 else b''
                reply = w.ask(b'BDAT %d%s\r\n' % (len(piece), last) + piece)
                assert reply.startswith('250'), reply
            w.ask('QUIT')
        added(office.fetch_one(), raw)


def test_pipelined_transaction(office):
    raw = messages.plain(b'pipelined\r\n')
    with office.wire('smtp') as w:
        w.reply()
        assert 'PIPELINING' in w.ask('EHLO client.test')
        w.send('MAIL FROM:<x@elsewhere.test>\r\nRCPT TO:<ann@example.test>\r\n'
               'RCPT TO:<nobody@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n')
        codes = [w.reply()[:3] for _ in range(5)]
        assert codes == ['250', '250', '550', '250', '354'], codes
        w.send(raw + b'.\r\nQUIT\r\n')
        assert w.reply().startswith('250'), 'end of data'
        assert w.reply().startswith('221')
        assert w.at_end()
    added(office.fetch_one('ann@example.test'), raw)
    added(office.fetch_one('bob@example.test'), raw)


def test_submission_completes_the_header(office):
    # RFC 6409 8: Date and Message-ID are added when missing, Bcc is not shown.
    raw = (b'From: ann@example.test\r\nTo: bob@example.test\r\nBcc: secret@example.test\r\n'
           b'Subject: bare\r\n\r\nhello\r\n')
    with office.submit() as s:
        s.sendmail('ann@example.test', ['bob@example.test'], raw)
    got = office.fetch_one('bob@example.test')
    assert re.search(rb'(?m)^Date: .*\r$', got), got
    assert re.search(rb'(?m)^Message-ID: <[^<>@]+@[^<>@]+>\r$', got, re.I), got
    assert b'secret@' not in got, got
    assert got.endswith(b'\r\n\r\nhello\r\n'), got
    assert got.count(b'Subject: bare\r\n') == 1


def test_relayed_mail_is_not_completed(office):
    raw = b'From: x@elsewhere.test\r\nBcc: all@elsewhere.test\r\n\r\nhello\r\n'
    office.deliver(raw)
    added(office.fetch_one(), raw)


def test_the_id_of_the_reply_is_the_uidl(office):
    with office.mx() as s:
        s.ehlo()
        s.mail('x@elsewhere.test')
        s.rcpt('ann@example.test')
        code, text = s.data(messages.plain(b'which?\r\n'))
        assert code == 250, text
    words = text.decode().split()
    p = office.pop()
    uidl = p.uidl()[1][0].split()[1].decode()
    assert uidl in words, (uidl, words)
    with open(office.log, encoding='utf-8') as f:
        assert uidl in f.read(), 'the log does not know the message'
    p.dele(1)
    p.quit()


def test_subaddress_postmaster_and_null_sender(office):
    office.deliver(messages.plain(b'tagged\r\n'), 'ann+shop@example.test')
    office.deliver(messages.plain(b'case\r\n'), 'ANN@EXAMPLE.TEST')
    with office.mx() as s:
        assert s.sendmail('', ['ann@example.test'], messages.plain(b'bounce\r\n')) == {}
    got = office.fetch()
    assert len(got) == 3, len(got)
    assert b'Return-Path: <>\r\n' in got[2]
    with office.wire('smtp') as w:
        w.reply()
        w.ask('EHLO client.test')
        w.ask('MAIL FROM:<>')
        assert w.ask('RCPT TO:<postmaster>').startswith('250')
        assert w.ask('RCPT TO:<postmaster@example.test>').startswith('250')
        assert w.ask('RSET').startswith('250')


def test_alias_group_delivers_one_to_each(office):
    office.must('alias', 'add', 'team@example.test', 'ann@example.test', 'bob@example.test')
    raw = messages.plain(b'all of you\r\n')
    with office.mx() as s:
        s.sendmail('x@elsewhere.test', ['team@example.test', 'ann@example.test'], raw)
    added(office.fetch_one('ann@example.test'), raw)
    added(office.fetch_one('bob@example.test'), raw)


def test_wrong_password_and_unknown_user_look_alike(office):
    import poplib
    texts = set()
    for user in ('ann@example.test', 'nobody@example.test', 'ann@elsewhere.test'):
        try:
            office.pop(user, 'not ' + PASSWORD)
            raise RuntimeError('logged in')
        except poplib.error_proto as error:
            texts.add(str(error))
    assert len(texts) == 1, texts
    assert '[AUTH]' in texts.pop()


def test_no_password_in_the_clear(office):
    # RFC 8314 3, row B1: neither offered nor taken without TLS.
    with office.wire('pop3') as w:
        w.line()
        w.send('CAPA\r\n')
        w.line()
        caps = [c.decode().upper() for c in w.multi()]
        assert 'STLS' in caps and 'USER' not in caps, caps
        assert not any(c.startswith('SASL') and len(c) > 5 for c in caps), caps
        assert w.pop('USER ann@example.test').startswith('-ERR')
    with office.wire('submission') as w:
        w.reply()
        ehlo = w.ask('EHLO client.test')
        assert 'STARTTLS' in ehlo and 'AUTH' not in ehlo, ehlo
        assert w.ask('AUTH PLAIN AGFubgB4').startswith(('530', '538', '503', '502'))


def test_large_message_is_a_file_and_comes_back(office):
    raw = messages.plain(b''.join(b'%060d\r\n' % i for i in range(150000)))
    assert len(raw) > 9000000
    with office.submit(implicit=True) as s:
        s.sendmail('ann@example.test', ['bob@example.test', 'ann@example.test'], raw)
    added(office.fetch_one('bob@example.test'), raw)
    added(office.fetch_one('ann@example.test'), raw)
