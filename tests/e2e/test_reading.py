"""list, search, show and save: reading what is in the store, with and without a running server."""

import json
import mailbox
import os
import resource
import subprocess
import tempfile

from office import BIN, environment

ME = 'reader@example.test'
MAILS = [
    b'From: Ann <ann@example.test>\r\nTo: reader@example.test\r\nSubject: =?utf-8?q?Z=C3=BCrich?= trip\r\n'
    b'Message-ID: <1@x>\r\nDate: Sun, 22 Nov 2026 03:27:11 +0000\r\n\r\nLet us go\x1b[2J there.\r\n',
    b'From: Bob <bob@example.test>\r\nTo: reader@example.test\r\nSubject: bill\r\nMIME-Version: 1.0\r\n'
    b'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee the file\r\n'
    b'--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n'
    b'Content-Disposition: attachment; filename="../../etc/bill.pdf"\r\n\r\nQUJDAA==\r\n--b--\r\n',
    b'From: bob@example.test\r\nSubject: passed on\r\nDate: Fri, 20 Nov 2026 10:00:00 +0100\r\n'
    b'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nlook\r\n'
    b'--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe/1?=\r\n\r\ninner\r\n--b--\r\n',
]


def fill(office):
    office.add_account(ME)
    with tempfile.TemporaryDirectory() as d:
        for i, mail in enumerate(MAILS):
            with open(os.path.join(d, f'{i}.eml'), 'wb') as f:
                f.write(mail)
        office.must('mailbox', 'import', ME, d)


def found(office, *words):
    return [m['subject'] for m in office.json('search', *words, '--account', ME)]


def check(office):
    rows = {m['subject']: m for m in office.json('list', '--account', ME)}
    assert set(rows) == {'Zürich trip', 'bill', 'passed on'}, rows
    file, = rows['passed on']['attachments']
    assert (file['filename'], file['type']) == ('grüße_1.eml', 'message/rfc822'), file
    bill = rows['bill']
    assert bill['attachments'] == [{'filename': 'bill.pdf', 'type': 'application/pdf', 'part': 2,
                                    'octets': 5}] or bill['attachments'][0]['filename'] == 'bill.pdf', bill
    assert bill['from'] == 'Bob <bob@example.test>', bill
    assert rows['Zürich trip']['date'] == '2026-11-22T03:27:11Z', rows
    assert rows['Zürich trip']['text'] == 'Let us go?[2J there.\n', rows
    assert found(office, 'zurich') == ['Zürich trip']
    assert sorted(found(office, 'has:attachment')) == ['bill', 'passed on']
    assert found(office, 'from:ann', 'there') == ['Zürich trip']
    assert found(office, 'nowhere') == []
    shown = office.json('show', rows['Zürich trip']['id'], '--account', ME)
    assert shown['text'] == 'Let us go?[2J there.\n', shown
    text = office.must('show', bill['id'], '--account', ME)
    assert b'see the file' in text and b'[attachment bill.pdf, application/pdf]' in text, text
    return rows


def save(office, rows):
    with tempfile.TemporaryDirectory() as d:
        ident = rows['bill']['id']
        path = office.must('save', ident, d, '--account', ME).decode().strip()
        with open(path, 'rb') as f:
            assert f.read().endswith(MAILS[1]), path
        path = office.must('save', ident, d, '--account', ME, '--format', 'attachments').decode().strip()
        assert path == os.path.join(d, 'bill.pdf'), path
        with open(path, 'rb') as f:
            assert f.read() == b'ABC\0'
        again = office.must('save', ident, d, '--account', ME, '--format', 'attachments').decode().strip()
        assert again == os.path.join(d, 'bill (2).pdf'), again
        path = office.must('save', rows['passed on']['id'], d, '--account', ME, '--format', 'attachments').decode().strip()
        assert path == os.path.join(d, 'grüße_1.eml'), path
        with open(path, 'rb') as f:
            assert f.read() == b'Subject: =?utf-8?q?gr=C3=BC=C3=9Fe/1?=\r\n\r\ninner'
        box = os.path.join(d, 'Maildir')
        for _ in range(2):  # once: the same message has the same name
            office.must('save', ident, box, '--account', ME, '--format', 'maildir')
        assert [m['subject'] for m in mailbox.Maildir(box)] == ['bill']
        saved = office.json('save', ident, d, '--account', ME, '--format', 'mbox')
        path, = saved['paths']
        assert saved['id'] == ident and saved['subject'] == 'bill', saved
        assert [m['subject'] for m in mailbox.mbox(path)] == ['bill']


def test_with_a_server(office):
    fill(office)
    save(office, check(office))


def test_what_is_wrong_is_told(office):
    for words, code, told in (
            (('search', 'has:teeth', '--account', ME), 64, b'has:attachment'),
            (('search', '"open', '--account', ME), 64, b'not closed'),
            (('show', 'NOPE', '--account', ME), 67, b'no message NOPE'),
            (('save', 'NOPE', '/tmp', '--account', ME, '--format', 'pdf'), 64, b'--format is'),
            (('list', '--account', 'nobody@example.test'), 67, b'nobody@example.test'),
            (('list',), 78, b'no remote is in'),
            (('list', 'home'), 64, b'no remote home')):
        done = office.run(*words)
        assert done.returncode == code and told in done.stderr and done.stderr.count(b'\n') == 1, (words, done)


def test_a_large_message(office):
    """No part of it stays where there is no room for the whole, and nobody is told that `head` has read enough."""
    office.add_account('large@example.test')
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'large.eml')
        with open(path, 'wb') as f:
            f.write(b'From: ann@example.test\r\nSubject: large\r\n\r\n' + (b'z' * 70 + b'\r\n') * 90000)
        office.must('mailbox', 'import', 'large@example.test', path)
        large, = (m['id'] for m in office.json('list', '--account', 'large@example.test') if m['subject'] == 'large')
        done = subprocess.run([BIN, 'save', large, d, '--account', 'large@example.test', '--state', office.state],
                              capture_output=True, check=False, env=environment(), restore_signals=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20)))
        assert done.returncode == 74 and b'File too large' in done.stderr, done
        assert os.listdir(d) == ['large.eml'], os.listdir(d)
    shown = subprocess.Popen([BIN, 'show', large, '--account', 'large@example.test', '--state', office.state], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=environment())
    assert shown.stdout.read(5) == b'From:'
    shown.stdout.close()
    assert (shown.wait(20), shown.stderr.read()) == (74, b'')
    shown.stderr.close()


def test_without_a_server(office):
    office.stop()
    save(office, check(office))
    office.start()
