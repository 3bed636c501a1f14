"""What becomes of deleted mail: it can be brought back."""

from test_pop3 import fill, uidls

ANN, BOB = 'ann@example.test', 'bob@example.test'


def delete(office, *numbers):
    p = office.pop(ANN)
    for n in numbers:
        p.dele(n)
    p.quit()


def restored(office, *words):
    row, = office.json('mailbox', 'undelete', ANN, *words)
    return row['restored']


def test_undelete(office):
    fill(office, 3)
    before = uidls(office)
    delete(office, 1, 3)
    assert uidls(office) == before[1:2]
    gone = office.json('mailbox', 'list', ANN, '--expunged')
    assert [row['uidl'] for row in gone] == [before[0], before[2]], gone
    assert all(row['expunged'] and row['octets'] > 0 for row in gone), gone
    assert restored(office, '--uidl', before[2]) == 1
    assert restored(office, '--uidl', before[2]) == 0, 'restored twice'
    assert uidls(office) == before[1:]
    assert restored(office, '--since', '1h') == 1
    assert uidls(office) == before, 'not at its old place'
    assert office.json('mailbox', 'list', ANN, '--expunged') == []
    office.stop()
    listed = office.json('mailbox', 'list', ANN)
    assert [row['uidl'] for row in listed] == before
    office.start()
    assert uidls(office) == before
    office.must('fsck')


def test_undelete_and_sessions(office):
    fill(office, 1)
    before = uidls(office)
    delete(office, len(before))
    p = office.pop(ANN)
    done = office.run('mailbox', 'undelete', ANN, '--all')
    assert done.returncode == 75 and b'kick' in done.stderr, done
    assert p.stat()[0] == len(before) - 1
    p.quit()
    assert restored(office, '--all') == 1
    assert uidls(office) == before


def test_undelete_says_what_is_wrong(office):
    for words in ((), ('--all', '--since', '1h'), ('--since', 'yesterday'), ('--since',)):
        done = office.run('mailbox', 'undelete', ANN, *words)
        assert done.returncode == 64 and done.stderr.count(b'\n') == 1, done
    assert office.run('mailbox', 'undelete', 'nobody@example.test', '--all').returncode == 67
    assert office.json('mailbox', 'undelete', BOB, '--uidl', 'nothing') == [{'restored': 0}]
