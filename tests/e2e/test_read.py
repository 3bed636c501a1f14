"""The reader in a terminal: what stands on the screen after which key."""

import email
import email.policy
import json
import os
import tempfile

import office as office_module
from terminal import Terminal
from test_send import customer

ME = 'reader@example.test'
MAILS = [
    b'From: Ann Example <ann@example.test>\r\nTo: reader@example.test\r\nSubject: =?utf-8?q?Z=C3=BCrich?= trip\r\n'
    b'Message-ID: <1@x>\r\nDate: Sun, 15 Mar 2026 09:00:00 +0000\r\n\r\nLet us go\x1b]0;owned\x07\x1b[2J there.\r\n\r\n'
    + b' '.join(b'word%d' % n for n in range(40)) + b'\r\n',
    b'From: Bob <bob@example.test>\r\nTo: reader@example.test\r\nSubject: bill\r\nMIME-Version: 1.0\r\n'
    b'Date: Tue, 17 Mar 2026 09:00:00 +0000\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'
    b'--b\r\nContent-Type: text/html\r\n\r\n<p>see the <b>file</b></p><script>bad()</script>\r\n'
    b'--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n'
    b'Content-Disposition: attachment; filename="../../etc/bill.pdf"\r\n\r\nQUJDAA==\r\n--b--\r\n',
    b'From: Cho <cho@example.test>\r\nTo: reader@example.test\r\nSubject: Re: =?utf-8?q?Z=C3=BCrich?= trip\r\n'
    b'Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\nDate: Mon, 16 Mar 2026 09:00:00 +0000\r\n'
    b'Content-Type: text/plain; charset=utf-8\r\n\r\n\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e fine\r\n',
]
LIST = [
    ' Mail of all accounts: 3',
    'N @ 2026-03-17 Bob                  bill',
    'N   2026-03-15 Ann Example          Zürich trip',
    'N   2026-03-16 Cho                  └ Re: Zürich trip',
]


def import_mail(office, mails, address=ME):
    with tempfile.TemporaryDirectory() as d:
        for i, mail in enumerate(mails):
            with open(os.path.join(d, f'{i}.eml'), 'wb') as f:
                f.write(mail)
        office.must('mailbox', 'import', address, d)


def fresh(office):
    """An account with the three mails."""
    office.run('account', 'del', ME)
    office.add_account(ME)
    import_mail(office, MAILS)


def reader(office, **more):
    t = Terminal(**more)
    t.start(office_module.BIN, 'read', '--state', office.state, '--account', ME)
    return t


def test_list_search_and_view(office):
    fresh(office)
    with reader(office) as t:
        assert t.wait('trip')[:4] == LIST
        t.keys('/')
        t.type('zur')
        screen = t.wait('Mail of all accounts: 2')
        assert screen[1:3] == LIST[2:4] and screen[3] == '' and 'Find: zur' in screen, screen
        t.type(' "')
        t.wait('not closed')
        t.keys('C-u')
        t.type('from:cho')
        t.wait('Mail of all accounts: 1')
        t.keys('Enter', 'Enter')
        assert '日本語 fine' in t.wait('日本語')
        t.keys('q', 'Escape')
        assert t.wait(' Mail of all accounts: 3')[3] == LIST[3].replace('N', ' ', 1)
        t.keys('k', 'm', 'Enter')
        screen = t.wait('Let us go')
        assert screen[1] == 'From:    Ann Example <ann@example.test>', screen
        assert 'Let us go?]0;owned??[2J there.' in screen, screen
        t.keys('q', 'Home', 'Enter')
        screen = t.wait('see the file')
        assert not any('bad()' in line for line in screen), screen
        assert '[attachment bill.pdf, application/pdf]' in screen, screen
        t.keys('q', 'q')
        assert t.ended() == 0
    rows = {m['subject']: m for m in office.json('list', '--account', ME)}
    assert rows['Zürich trip']['marked'] and rows['Zürich trip']['seen'], rows


def test_keys_and_joined_characters(office):
    fresh(office)
    import_mail(office, ['From: Em <em@example.test>\r\nSubject: = \U0001f468\u200d\U0001f469\u200d\U0001f466 \U0001f44d\U0001f3fd =\r\n'
                         'Date: Wed, 18 Mar 2026 09:00:00 +0000\r\n\r\nfine\r\n'.encode()], ME)
    with reader(office) as t:
        # Each by itself: a terminal that draws several as one, and curses, would not agree where the rest stands.
        t.wait('= \U0001f468\U0001f469\U0001f466 \U0001f44d =')
        t.resize(40, 8)
        t.wait('= …')
        t.keys('?')
        t.wait('enter        read the message')
        t.keys('Space')
        t.wait('unread again')
        t.keys('q')
        t.wait('Mail of all accounts')
        t.resize(80, 24)
        t.wait('bill')
        t.keys('?')
        screen = t.wait('any key: back')
        assert any('drafts' in line for line in screen) and any('quit' in line for line in screen), screen
        t.keys('q', 'q')
        assert t.ended() == 0


def test_sizes(office):
    fresh(office)
    with reader(office, columns=40, rows=8) as t:
        t.wait('2026-03-16 Cho')
        t.keys('j', 'Enter')
        t.wait('Let us go')
        t.resize(30, 10)
        office_module.wait_until(lambda: '<ann@example.test>' in t.screen(), 20, 'lines of 30 columns')
        t.keys('End')
        screen = t.wait('word39')
        assert max(map(len, screen)) <= 30 and 'word35' in ' '.join(screen), screen
        t.resize(120, 30)
        screen = t.wait('From:    Ann')
        assert any('word0 word1' in line and len(line) > 100 for line in screen), screen
        t.resize(5, 2)
        t.resize(1, 1)
        t.keys('q')
        t.resize(80, 24)
        t.wait('2026-03-16 Cho')
        t.keys('q')
        assert t.ended() == 0


def test_save_and_open(office):
    fresh(office)
    with tempfile.TemporaryDirectory() as d:
        with open(os.path.join(d, 'xdg-open'), 'w', encoding='ascii') as f:
            f.write(f'#!/bin/sh\ncp "$1" {d}/shown; echo "$1" >{d}/path.new; mv {d}/path.new {d}/path\n')
        os.chmod(os.path.join(d, 'xdg-open'), 0o755)
        with reader(office, environment={'PATH': d + ':' + os.environ['PATH']}) as t:
            t.wait('bill')
            t.keys('o')
            t.wait('1 bill.pdf')
            t.keys('1')
            t.wait('is shown by xdg-open')
            office_module.wait_until(lambda: os.path.exists(d + '/path'), 20, 'the viewer')
            with open(d + '/path', encoding='ascii') as f:
                path = f.read().strip()
            assert os.path.basename(path) == 'bill.pdf', path
            with open(d + '/shown', 'rb') as f:
                assert f.read() == b'ABC\0'
            for key, name in (('e', '.eml'), ('a', 'bill.pdf'), ('m', '.mbox')):
                t.keys('s', key, 'C-u')
                t.type(d + '/out')
                t.keys('Enter')
                t.wait('Saved: ')
                t.keys('k')
                assert any(n.endswith(name) for n in os.listdir(d + '/out')), os.listdir(d + '/out')
            t.keys('j', 'o')
            t.wait('It has no attachments')
            t.keys('q')
            assert t.ended() == 0
        assert not os.path.exists(path), 'what was opened stays behind'


def test_delete(office):
    fresh(office)
    with reader(office) as t:
        t.wait('bill')
        t.keys('d')
        t.wait('Delete it?')
        t.keys('n')
        t.wait('bill')
        t.keys('d', 'y')
        t.wait('Deleted')
        t.wait('Mail of all accounts: 2')
        import_mail(office, [MAILS[1].replace(b'bill', b'reminder')])
        t.keys('G')
        t.wait('reminder')
        t.keys('q')
        assert t.ended() == 0
    assert sorted(m['subject'] for m in office.json('list', '--account', ME)) == [
        'Re: Zürich trip', 'Zürich trip', 'reminder']


def test_without_a_server(office):
    """Others can open the office while somebody reads."""
    fresh(office)
    office.stop()
    with reader(office) as t:
        assert t.wait('trip')[:4] == LIST
        assert len(json.loads(office.must('list', '--account', ME, '--json'))) == 3
        t.keys('Enter')
        t.wait('see the file')
        t.keys('q', 'q')
        assert t.ended() == 0
    office.start()


def test_no_terminal(office):
    done = office.run('read', '--account', ME)
    assert done.returncode == 64 and b'this is for a terminal' in done.stderr, done


def at_home(home, editor):
    t = Terminal(columns=100, environment={'VISUAL': '', 'EDITOR': editor})
    t.start(office_module.BIN, 'read', '--state', home.state)
    return t


def test_answers(office):
    """Fetched, answered with a file, forwarded; the provider has what was written."""
    office.deliver('From: Zoë Bob <bob@example.test>\r\nTo: ann@example.test\r\nSubject: grüße\r\nMessage-ID: <7@x>\r\n'
                   'Content-Type: text/plain; charset=utf-8\r\n\r\nWas gibt’s?\r\n'.encode(), to='ann@example.test')
    with customer(office) as home:
        home.fetch()
        paper = os.path.join(home.dir.name, 'söme file.txt')
        with open(paper, 'wb') as f:
            f.write(b'on paper\n')
        script = os.path.join(home.dir.name, 'edit')
        with open(script, 'w', encoding='utf-8') as f:
            f.write(f'#!/bin/sh\nsed -i "s|^Attach: .*|Attach: {paper}|; s|^To: $|To: bob@example.test|" "$1"\n'
                    'echo "Nichts Größeres." >>"$1"\n')
        os.chmod(script, 0o755)
        with at_home(home, script) as t:
            t.wait('grüße')
            t.keys('r')
            t.wait('s send  e edit')
            t.keys('s')
            t.wait('In the outbox')
            got = office_module.wait_until(lambda: office.fetch('bob@example.test'), 30, 'the answer')
            mail = email.message_from_bytes(got[0], policy=email.policy.default)
            assert mail['Subject'] == 'Re: grüße' and mail['In-Reply-To'] == '<7@x>', got
            assert mail['To'].addresses[0].display_name == 'Zoë Bob', got
            text, file = list(mail.iter_parts())
            assert text.get_content().replace('\r\n', '\n') == 'Zoë Bob <bob@example.test> wrote:\n> Was gibt’s?\nNichts Größeres.\n', got
            assert (file.get_filename(), file.get_content()) == ('söme file.txt', b'on paper\n'), got
            assert got[0].split(b'\r\n\r\n')[0].isascii(), got
            t.keys('f')
            t.wait('s send  e edit')
            t.keys('s')
            t.wait('In the outbox')
            got = office_module.wait_until(lambda: office.fetch('bob@example.test'), 30, 'the forwarded one')
            mail = email.message_from_bytes(got[0], policy=email.policy.default)
            inner = [p for p in mail.walk() if p.get_content_type() == 'message/rfc822'][0].get_content()
            assert inner['Message-ID'] == '<7@x>' and 'Was gibt’s?' in inner.get_content(), got
            t.keys('w')
            t.wait('s send  e edit')
            t.keys('k')
            t.wait('Kept: ')
            assert len(os.listdir(os.path.join(home.state, 'drafts'))) == 1
            t.keys('q')
            assert t.ended() == 0


def test_deletes_on_the_server(office):
    """What shall be deleted there too is, with the next fetch; what shall stay does."""
    office.fetch('ann@example.test')
    for name in ('first', 'second'):
        office.deliver(f'Subject: {name}\r\n\r\nx\r\n'.encode(), to='ann@example.test')
    with customer(office) as home:
        home.fetch()
        with at_home(home, 'true') as t:
            t.wait('second')
            for subject, key in (('first', 'k'), ('second', 'd')):
                t.keys('/')
                t.keys('C-u')
                t.type(subject)
                t.wait('Mail of all accounts: 1')
                t.keys('Enter', 'd')
                t.wait('d delete it there')
                t.keys(key)
                t.wait('Deleted')
            t.keys('q')
            assert t.ended() == 0
        assert home.subjects() == []
        done = home.fetch()
        assert (done['stored'], done['deleted']) == (0, 1), done
        assert home.subjects() == []
    assert [b'Subject: first' in m for m in office.fetch('ann@example.test')] == [True]


def test_drafts_and_outbox(office):
    """A draft that was kept goes on later, with the message that it passes on; what cannot be sent is seen to wait."""
    office.fetch('ann@example.test')
    office.fetch('bob@example.test')
    office.deliver(b'From: bob@example.test\r\nSubject: passed on\r\nMessage-ID: <9@x>\r\n\r\nx\r\n',
                   to='ann@example.test')
    with customer(office) as home:
        home.fetch()
        with at_home(home, "sed -i 's|^To: $|To: bob@example.test|'") as t:
            t.wait('passed on')
            t.keys('x')
            t.wait('Drafts: 0  waiting in the outbox: 0')
            t.keys('q')
            for key in ('f', 'w'):
                t.keys(key)
                t.wait('s send  e edit')
                t.keys('k')
                t.wait('Kept: ')
            t.keys('x')
            t.wait('Drafts: 2')
            assert any('bob@example.test' in line and 'passed on' in line for line in t.wait('2 draft')), t.screen()
            t.keys('2')
            t.wait('s send  e edit')
            t.keys('s')
            t.wait('In the outbox')
            got = office_module.wait_until(lambda: office.fetch('bob@example.test'), 30, 'the forwarded one')
            assert b'<9@x>' in got[0] and b'message/rfc822' in got[0], got
            home.configure(smtp_port=1)
            t.keys('x')
            t.wait('Drafts: 1')
            t.keys('1')
            t.wait('s send  e edit')
            t.keys('s')
            t.wait('In the outbox')
            office_module.wait_until(lambda: json.loads(home.must('send', '--outbox', '--json')), 30, 'it waits')
            t.keys('x')
            t.wait('Drafts: 0  waiting in the outbox: 1')
            assert any('waiting' in line and 'bob@example.test' in line for line in t.screen()), t.screen()
            t.keys('q')
            t.wait('passed on')
            t.keys('q')
            assert t.ended() == 0


def test_fetches(office):
    office.fetch('ann@example.test')
    for name, size in (('small', 1), ('large', 3000)):
        office.deliver(f'Subject: {name}\r\n\r\nx\r\n'.encode() + (b'z' * 70 + b'\r\n') * size + b'the end\r\n',
                       to='ann@example.test')
    with customer(office, skip_size='50K') as home:
        home.fetch()
        large, = [m['id'] for m in json.loads(home.must('list', '--json')) if m['subject'] == 'large']
        assert json.loads(home.must('show', large, '--json'))['partial'] is True
        assert b'restante fetch --full ' + large.encode() in home.must('show', large)
        with at_home(home, 'true') as t:
            t.wait('large')
            t.keys('/')
            t.type('large')
            t.wait('Mail of all accounts: 1')
            t.keys('Enter', 'Enter')
            t.wait('F brings the rest')
            t.keys('F')
            t.wait('r the rest of this message')
            t.keys('r')
            t.wait('1 fetched', 60)
            t.keys('End')
            t.wait('the end')
            office.deliver(b'Subject: large too\r\n\r\nx\r\n', to='ann@example.test')
            t.keys('q')
            t.keys('F')
            t.keys('n')
            t.wait('Mail of all accounts: 2', 60)
            t.keys('q')
            assert t.ended() == 0
        whole, = [m['id'] for m in json.loads(home.must('list', '--json')) if m['subject'] == 'large']
        assert json.loads(home.must('show', whole, '--json'))['partial'] is False


def test_many_attachments(office):
    """Nine have a key each; of more the number is typed."""
    parts = b''.join(b'--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename="f%d.txt"\r\n\r\n'
                     b'file %d\r\n' % (n, n) for n in range(1, 13))
    office.run('account', 'del', ME)
    office.add_account(ME)
    import_mail(office, [b'Subject: many\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n' +
                         parts + b'--b--\r\n'])
    with tempfile.TemporaryDirectory() as d:
        with open(os.path.join(d, 'xdg-open'), 'w', encoding='ascii') as f:
            f.write(f'#!/bin/sh\ncp "$1" {d}/shown.new; mv {d}/shown.new {d}/shown\n')
        os.chmod(os.path.join(d, 'xdg-open'), 0o755)
        with reader(office, environment={'PATH': d + ':' + os.environ['PATH']}) as t:
            t.wait('many')
            t.keys('o')
            t.wait('of the 12 attachments')
            t.type('13')
            t.keys('Enter')
            t.wait('many')
            assert not os.path.exists(d + '/shown')
            t.keys('o')
            t.wait('of the 12 attachments')
            t.type('11')
            t.keys('Enter')
            office_module.wait_until(lambda: os.path.exists(d + '/shown'), 20, 'the viewer')
            with open(d + '/shown', 'rb') as f:
                assert f.read().strip() == b'file 11'
            t.keys('q')
            assert t.ended() == 0
