"""SMTP smuggling (row 14) and plaintext injected before TLS (row 1)."""

import itertools

import messages
from office import PASSWORD, added

ANN = 'ann@example.test'

# What must not end DATA: every mix of line ends around a dot but CRLF.CRLF (RFC 5321 2.3.8).
ENDS = [b'\r\n', b'\n', b'\r', b'\r\r\n', b'\n\r', b'\r\0\n', b'\0\r\n', b'\n\n', b'\r\r', b'\r\n\0']
ENDINGS = [a + b'.' + b for a, b in itertools.product(ENDS, ENDS)]
# These end it rightly: they hold CRLF.CRLF.
RIGHT = [e for e in ENDINGS if b'\r\n.\r\n' in e]
WRONG = [e for e in ENDINGS if e not in RIGHT] + [b'\r\n..\r\n', b'\r\n. \r\n', b'\r\n.\t\r\n', b'.\r\n']

SECOND = (b'MAIL FROM:<smuggler@evil.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n'
          b'Subject: smuggled\r\n\r\nsmuggled\r\n')


def data_session(office):
    w = office.wire('smtp')
    w.reply()
    w.ask('EHLO client.test')
    assert w.ask('MAIL FROM:<x@elsewhere.test>').startswith('250')
    assert w.ask('RCPT TO:<ann@example.test>').startswith('250')
    return w


def test_no_other_ending_ends_a_message(office):
    for ending in WRONG:
        with data_session(office) as w:
            assert w.ask('DATA').startswith('354')
            w.send(messages.plain(b'first') + ending + SECOND + b'.\r\n')
            reply = w.reply()
            # One message, whole or refused; never two answers.
            assert reply[:1] in '25', (ending, reply)
            assert w.ask('NOOP').startswith('250'), ending
            assert w.ask('QUIT').startswith('221'), ending
            assert w.at_end(), ending
        bare = any(ending.replace(b'\r\n', b'').count(c) for c in (b'\r', b'\n'))
        got = office.fetch(ANN)
        if bare:
            assert reply.startswith('550 5.6.0'), (ending, reply)
            assert got == [], (ending, got)
        else:
            assert len(got) == (1 if reply.startswith('2') else 0), (ending, reply, len(got))
            assert all(b'Return-Path: <x@elsewhere.test>' in m for m in got), ending


def test_chunks_hide_nothing(office):
    # RFC 3030: dots mean nothing in BDAT; bare CR and LF are refused all the same.
    for ending in WRONG + RIGHT:
        body = messages.plain(b'first') + ending + SECOND + b'.\r\n'
        with data_session(office) as w:
            reply = w.ask(b'BDAT %d LAST\r\n' % len(body) + body)
            bare = any(ending.replace(b'\r\n', b'').count(c) for c in (b'\r', b'\n'))
            assert reply.startswith('550 5.6.0' if bare else ('250', '550', '554')), (ending, reply)
            assert w.ask('QUIT').startswith('221'), ending
        got = office.fetch(ANN)
        assert len(got) == (1 if reply.startswith('250') else 0), (ending, reply, got)
        if got:
            added(got[0], body)


def test_a_right_ending_ends_it_once(office):
    for cut in range(1, 8):
        raw = messages.plain(b'whole\r\n')
        stream = raw + b'.\r\nQUIT\r\n'
        with data_session(office) as w:
            w.ask('DATA')
            at = len(raw) - 4 + cut
            w.send(stream[:at])
            w.sock.settimeout(0.1)
            try:
                w.held += w.sock.recv(10)
            except TimeoutError:
                pass
            w.sock.settimeout(20)
            w.send(stream[at:])
            assert w.reply().startswith('250'), cut
            assert w.reply().startswith('221'), cut
        added(office.fetch_one(), raw)


def test_bdat_sizes(office):
    for size in ('-1', '4294967296', '18446744073709551615', '18446744073709551616', '1e3', '0x10', '',
                 '1 2', '99999999999999999999999'):
        with data_session(office) as w:
            w.send(f'BDAT {size} LAST\r\n')
            reply = w.reply()
            assert reply[:1] == '5' or reply[:3] == '421', (size, reply)
    with data_session(office) as w:
        assert w.ask('BDAT 0').startswith('250')
        assert w.ask(b'BDAT 3\r\na: ').startswith('250')
        assert w.ask('DATA').startswith('503')
        assert w.ask('RSET').startswith('250')
        assert w.ask('BDAT 0 LAST').startswith('503')
    assert office.fetch(ANN) == []


def test_nothing_before_tls_counts_after_it(office):
    # CVE-2011-0411 and its kin: commands in the same segment as STARTTLS or STLS.
    for name in ('smtp', 'submission'):
        with office.wire(name) as w:
            w.reply()
            w.ask('EHLO client.test')
            w.send('STARTTLS\r\nEHLO injected.test\r\nMAIL FROM:<evil@evil.test>\r\n')
            assert w.reply().startswith('220')
            w.start_tls(office.tls())
            # Nothing was answered, and the state before is forgotten (RFC 3207 4.2).
            assert w.ask('MAIL FROM:<ann@example.test>')[:3] in ('503', '530')
            ehlo = w.ask('EHLO client.test')
            assert ehlo.startswith('250') and 'STARTTLS' not in ehlo, ehlo
            assert w.ask('RCPT TO:<ann@example.test>').startswith(('503', '530'))
            w.ask('QUIT')
    with office.wire('pop3') as w:
        w.line()
        w.send(f'STLS\r\nUSER {ANN}\r\n')
        assert w.line().startswith(b'+OK')
        w.start_tls(office.tls())
        assert w.pop(f'PASS {PASSWORD}').startswith('-ERR')
        assert w.pop(f'USER {ANN}').startswith('+OK')
        assert w.pop(f'PASS {PASSWORD}').startswith('+OK')
        assert w.pop('QUIT').startswith('+OK')


def test_injection_split_at_every_octet(office):
    stream = b'STLS\r\nUSER x\r\n'
    for at in range(1, len(stream)):
        with office.wire('pop3') as w:
            w.line()
            w.send(stream[:at])
            w.send(stream[at:])
            assert w.line().startswith(b'+OK')
            try:
                w.start_tls(office.tls())
            except OSError:
                # What came after +OK is no ClientHello, and the session is over.
                assert at >= len('STLS\r\n'), at
                continue
            assert w.pop('PASS x').startswith('-ERR'), at
            assert w.pop('NOOP').startswith('-ERR'), at
            assert w.pop('QUIT').startswith('+OK'), at


def test_early_talkers(office):
    # Row 35: octets sent before the greeting lead to no desynchronised dialogue.
    import socket
    for _ in range(5):
        with socket.create_connection(('127.0.0.1', office.port('smtp')), timeout=20) as s:
            s.sendall(b'EHLO early.test\r\nMAIL FROM:<x@elsewhere.test>\r\nRCPT TO:<ann@example.test>\r\n'
                      b'DATA\r\nearly\r\n.\r\nQUIT\r\n')
            said = b''
            try:
                while data := s.recv(4096):
                    said += data
            except ConnectionResetError:
                pass
            first = said.split(b'\r\n')[0]
            assert first[:3] in (b'220', b'554', b'421'), said
    messages_now = office.fetch(ANN)
    # When greeted first it was plain pipelining; then nothing is garbled.
    assert all(m.endswith(b'early\r\n') for m in messages_now)


def test_headers_from_the_client_are_not_ours(office):
    # A HELO name, a path or a folded line must not add header fields of its own.
    with office.wire('smtp') as w:
        w.reply()
        reply = w.ask(b'EHLO a\rX-Evil: 1\r\n')
        assert reply[:1] in '25', reply
        reply = w.ask(b'EHLO a\nX-Evil: 1\r\n')
        assert reply[:1] in '25', reply
        w.ask('EHLO client.test')
        reply = w.ask(b'MAIL FROM:<"a\rX-Evil: 1"@elsewhere.test>\r\n')
        assert reply.startswith('5'), reply
