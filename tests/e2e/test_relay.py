"""Nobody from outside can send anything elsewhere through this office, in whatever spelling."""

# Recipients a stranger may try; each must be refused.  US is our domain, HOST our name.
SPELLINGS = [
    b'u@evil.test', b'u@EVIL.test', b'u%evil.test@example.test', b'u%evil.test@mail.example.test',
    b'u%evil.test@localhost', b'@example.test:u@evil.test', b'@example.test,@b.test:u@evil.test',
    b'@mail.example.test:u@evil.test', b'"u@evil.test"@example.test', b'"u@evil.test"',
    b'u@evil.test@example.test', b'u@example.test@evil.test', b'evil.test!u@example.test',
    b'example.test!evil.test!u', b'evil.test!u', b'u@[127.0.0.1]', b'u@[IPv6:::1]', b'u@[192.0.2.1]',
    b'u@[]', b'u@127.0.0.1', b'u@evil.test.', b'u@.evil.test', b'u@evil..test', b'u@evil.test ',
    b'u @evil.test', b'u@ evil.test', b'u@evil.test\t', b'u%evil.test', b'u%evil.test%example.test@example.test',
    b'"u%evil.test"@example.test', b'"u"@evil.test', b'"\\u"@evil.test', b'u\\@evil.test@example.test',
    b'u@evil.test\0@example.test', b'u@evil.test\0', b'ann\0@evil.test', b'ann@example.test\0.evil.test',
    b'ann@example.test.evil.test', b'ann@evil-example.test', b'ann@sub.example.test',
    b'ann@xn--example-.test', b'ann@ex\xc3\xa4mple.test', b'ann@\xef\xbd\x85xample.test',
    b'ann@example\xe3\x80\x82test.evil.test', b'ann@example.test;u@evil.test',
    b'ann@example.test,u@evil.test', b'ann@example.test u@evil.test', b'<u@evil.test>',
    b'ann@example.test><u@evil.test', b'u@evil.test#example.test', b'u@evil.test/example.test',
    b'u@evil.test:25', b'u@evil.test(@example.test)', b'(u@evil.test)ann', b'u(c)@evil.test',
    b'|cat@evil.test', b'/etc/passwd@evil.test', b';id;@evil.test', b'$(id)@evil.test', b'`id`@evil.test',
    b'-oQ/tmp@evil.test', b'', b'@', b'@example.test', b'""@example.test', b'ann@', b'"ann@example.test',
    b'ann"@example.test', b'\r@evil.test', b'u@evil.test\xff', b'"ann\0"@example.test',
    b'#1@evil.test', b'u@#1', b'u+@evil.test', b'u+ann=example.test@evil.test', b'u=evil.test@example.test',
    b'SRS0=x=y=evil.test=u@example.test', b'nobody@example.test', b'ann%example.test@example.test',
]


def session(office, name='smtp'):
    w = office.wire(name)
    w.reply()
    w.ask('EHLO client.test')
    return w


def refused(reply):
    """A permanent refusal that says which kind (RFC 3463)."""
    code, _, text = reply.partition(' ')
    return code in ('550', '501', '553', '500', '555', '551') and text[:2] == '5.'


def test_every_spelling_from_outside(office):
    taken = []
    for spelling in SPELLINGS:
        with session(office) as w:
            assert w.ask('MAIL FROM:<x@elsewhere.test>').startswith('250')
            reply = w.ask(b'RCPT TO:<' + spelling + b'>\r\n')
            if not refused(reply):
                taken.append((spelling, reply))
            reply = w.ask('DATA')
            if not reply.startswith(('503', '554', '500')):
                taken.append((spelling, 'DATA: ' + reply))
    assert not taken, taken


def test_every_spelling_in_one_session_with_a_good_one(office):
    # After many errors the office may say 421 and close; what it must not do is take one.
    with session(office) as w:
        w.ask('MAIL FROM:<x@elsewhere.test>')
        assert w.ask('RCPT TO:<ann@example.test>').startswith('250')
        for spelling in SPELLINGS[:60]:
            reply = w.ask(b'RCPT TO:<' + spelling + b'>\r\n')
            if reply.startswith('421') or reply == '':
                break
            assert refused(reply), (spelling, reply)


def test_submission_needs_a_login_first(office):
    for spelling in (b'u@evil.test', b'ann@example.test'):
        with session(office, 'submissions') as w:
            mail = w.ask('MAIL FROM:<ann@example.test>')
            rcpt = w.ask(b'RCPT TO:<' + spelling + b'>\r\n')
            assert mail.startswith('530 5.7.0') or rcpt.startswith('530 5.7.0'), (mail, rcpt)
            assert not rcpt.startswith('2'), rcpt


def test_the_sender_opens_no_door(office):
    for sender in ('ann@example.test', 'postmaster@example.test', '', 'root@localhost',
                   'x@mail.example.test'):
        with session(office) as w:
            w.ask(f'MAIL FROM:<{sender}>')
            reply = w.ask('RCPT TO:<u@evil.test>')
            assert refused(reply), (sender, reply)


def test_authenticated_mail_for_elsewhere_is_taken(office):
    for implicit in (False, True):
        with office.submit(implicit=implicit) as s:
            s.ehlo()
            assert s.mail('ann@example.test')[0] == 250
            assert s.rcpt('u@elsewhere.test')[0] == 250
            assert s.rcpt('bob@example.test')[0] == 250
            assert s.rset()[0] == 250


def test_a_login_ends_with_its_session(office):
    with office.submit() as s:
        s.ehlo()
    with session(office, 'smtp') as w:
        w.ask('MAIL FROM:<ann@example.test>')
        assert refused(w.ask('RCPT TO:<u@elsewhere.test>'))


def test_an_alias_may_lead_outside_and_its_target_is_nobody_here(office):
    office.must('alias', 'add', 'away@example.test', 'ann@elsewhere.test')
    with session(office) as w:
        w.ask('MAIL FROM:<x@elsewhere.test>')
        assert w.ask('RCPT TO:<away@example.test>').startswith('250')
        assert refused(w.ask('RCPT TO:<ann@elsewhere.test>'))


def test_the_sender_must_be_ones_own(office):
    # Row F2: envelope of another account.
    with office.submit('ann@example.test') as s:
        s.ehlo()
        code, text = s.mail('bob@example.test')
        if code == 250:
            code, text = s.rcpt('bob@example.test')
        assert code in (550, 553) and text.startswith(b'5.7.1'), (code, text)


def test_nothing_arrived(office):
    assert office.fetch('ann@example.test') == []
    assert office.fetch('bob@example.test') == []
