"""The reader in a terminal: what stands on the screen after which key."""

import json
import os
import tempfile

import office as office_module
from terminal import Terminal

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


def test_sizes(office):
    fresh(office)
    with reader(office, columns=40, rows=8) as t:
        t.wait('2026-03-16 Cho')
        t.keys('j', 'Enter')
        t.wait('Let us go')
        t.resize(30, 10)
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
