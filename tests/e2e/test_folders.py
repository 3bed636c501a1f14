"""The junk folder: what POP3 hands out of it, and moving."""

import messages
from office import PASSWORD

ANN, BOB = 'ann@example.test', 'bob@example.test'
OFFICE = {}


def fill(office):
    """Five messages, UIDLs in order."""
    office.fetch(ANN)
    for i in range(5):
        office.deliver(messages.plain(b'%d\r\n' % i, f'folder-{i}'))
    return list(uidls(office))


def uidls(office, folder='inbox'):
    return [r['uidl'] for r in office.json('mailbox', 'list', ANN, '--folder', folder)]


def handed_out(office):
    """UIDL -> the message, in the order of POP3; LIST and RETR must agree."""
    p = office.pop(ANN)
    sizes = {int(line.split()[0]): int(line.split()[1]) for line in p.list()[1]}
    names = [line.split()[1].decode() for line in p.uidl()[1]]
    assert p.stat() == (len(sizes), sum(sizes.values()))
    found = {}
    for n, name in enumerate(names, 1):
        text = b''.join(line + b'\r\n' for line in p.retr(n)[1])
        assert len(text) == sizes[n], (n, len(text), sizes)
        found[name] = text
    p.quit()
    return found


def test_move(office):
    names = fill(office)
    before = handed_out(office)
    rows = office.json('mailbox', 'move', ANN, names[1], names[3], '--to', 'junk')
    assert rows == [{'moved': 2}], rows
    assert uidls(office) == [names[0], names[2], names[4]]
    assert uidls(office, 'junk') == [names[1], names[3]]
    row = office.json('account', 'show', ANN)[0]
    assert (row['messages'], row['junk'], row['pop3_folders']) == (5, 2, 'inbox'), row
    assert list(handed_out(office)) == [names[0], names[2], names[4]], 'junk is not handed out'
    # A request that is refused changes nothing.
    done = office.run('account', 'set', ANN, '--quota-bytes', '123456', '--hand-out', 'attic')
    assert done.returncode == 64 and b'no folders' in done.stderr, done
    assert office.json('account', 'show', ANN)[0]['quota_bytes'] != 123456
    office.must('account', 'set', ANN, '--hand-out', 'inbox+junk')
    after = handed_out(office)
    assert list(after) == [names[0], names[2], names[4], names[1], names[3]], 'the inbox first'
    assert after == before, 'octets or UIDLs changed'
    assert office.must('mailbox', 'show', ANN, names[3], '--folder', 'junk') == before[names[3]]
    office.must('mailbox', 'move', ANN, names[1], '--to', 'inbox')
    assert handed_out(office) == before
    assert uidls(office, 'junk') == [names[3]]
    office.must('mailbox', 'move', ANN, names[1], '--to', 'junk')
    assert handed_out(office) == before, 'a second time'


def test_quit_deletes_in_both(office):
    names = fill_both(office)
    p = office.pop(ANN)
    for n in (1, 5):
        p.dele(n)
    p.close()  # no QUIT: nothing is deleted (RFC 1939 6)
    assert set(handed_out(office)) == set(names)
    p = office.pop(ANN)
    p.dele(1)
    p.dele(5)
    p.quit()
    assert uidls(office) == names[1:3] and uidls(office, 'junk') == names[3:4]
    office.stop()
    office.start()
    assert list(handed_out(office)) == names[1:4], 'after a restart'
    office.must('mailbox', 'undelete', ANN, '--uidl', names[4], '--folder', 'junk')
    assert uidls(office, 'junk') == names[3:]


def fill_both(office):
    office.must('account', 'set', ANN, '--hand-out', 'all')
    names = fill(office)
    office.must('mailbox', 'move', ANN, *names[3:], '--to', 'junk')
    assert list(handed_out(office)) == names
    return names


def test_locked_as_one(office):
    names = fill_both(office)
    p = office.pop(ANN)
    done = office.run('mailbox', 'move', ANN, names[4], '--to', 'inbox')
    assert done.returncode == 75 and b'has the mailbox open' in done.stderr, done
    office.deliver(messages.plain(b'later\r\n'))
    assert p.stat()[0] == 5 and len(p.uidl()[1]) == 5, 'the session sees what was there'
    with office.wire('pop3s') as w:
        w.line()
        w.pop(f'USER {ANN}')
        assert w.pop(f'PASS {PASSWORD}').startswith('-ERR [IN-USE]')
    p.quit()
    office.must('mailbox', 'move', ANN, names[4], '--to', 'inbox')
    assert len(handed_out(office)) == 6


def test_the_setting(office):
    with open(office.path('restante.conf'), 'a', encoding='utf-8') as f:
        f.write('pop3_folders = "inbox+junk"\n')
    office.stop()
    office.start()
    names = fill_both(office)
    office.must('account', 'set', ANN, '--hand-out', 'default')
    assert list(handed_out(office)) == names
    office.must('account', 'set', ANN, '--hand-out', 'inbox')
    assert list(handed_out(office)) == names[:3]


def test_quota_counts_both(office):
    fill_both(office)
    office.must('account', 'set', ANN, '--quota-messages', '5')
    with office.wire('smtp') as w:
        w.reply()
        w.ask('EHLO client.test')
        w.ask('MAIL FROM:<x@elsewhere.test>')
        assert w.ask(f'RCPT TO:<{ANN}>').startswith('452 4.2.2')
    office.must('account', 'set', ANN, '--quota-messages', 'default')


def test_wrong_words(office):
    names = fill_both(office)
    for words, code in ((('mailbox', 'move', ANN, names[0]), 64),
                        (('mailbox', 'move', ANN, names[0], '--to', 'spam'), 64),
                        (('mailbox', 'move', ANN, names[0], 'nothing', '--to', 'junk'), 67),
                        (('mailbox', 'move', ANN, names[4], '--to', 'junk'), 67),
                        (('mailbox', 'move', 'nobody@example.test', 'x', '--to', 'junk'), 67),
                        (('mailbox', 'list', ANN, '--folder', 'spam'), 64),
                        (('account', 'set', ANN, '--hand-out', 'some'), 64)):
        done = office.run(*words)
        assert done.returncode == code, (words, done)
    assert list(handed_out(office)) == names, 'something was moved'


def test_deleted_with_the_account(office):
    fill_both(office)
    office.must('account', 'del', ANN)
    office.add_account(ANN)
    office.must('account', 'set', ANN, '--hand-out', 'all')
    assert handed_out(office) == {}
    office.must('fsck')
