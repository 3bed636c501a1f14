"""What becomes of deleted mail: it can be brought back, then its room is given back."""

import json
import mailbox
import os
import resource
import shutil
import sqlite3
import subprocess
import time

import messages
from office import BIN, Office, environment, name_of, wait_until
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
    done = office.run('mailbox', 'undelete', ANN, '--uidl', before[2])
    assert done.returncode == 67 and b'--expunged' in done.stderr, ('restored twice', done)
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
    assert office.run('mailbox', 'undelete', BOB, '--uidl', 'nothing').returncode == 67
    assert office.json('mailbox', 'undelete', BOB, '--all') == [{'restored': 0}]


def with_office(config, check):
    office = Office(config=config)
    office.open()
    try:
        check(office)
        office.close()
    finally:
        office.destroy()
        shutil.rmtree(office.dir, ignore_errors=True)


def test_room_is_given_back(_office):
    def check(office):
        raw = messages.plain((b'x' * 70 + b'\r\n') * 2000, 'large')
        for _ in range(24):
            office.deliver(raw, ANN)
        before = uidls(office)
        delete(office, *range(1, 24))
        full, = office.json('store', 'status')
        split = office.json('store', 'status', '--segments')
        assert len(split) == full['segments'] and sum(r['messages'] for r in split) == 24, split
        assert 140000 < sum(r['live'] for r in split) < 160000, 'one is left'
        assert sum(r['restorable'] for r in split) > 22 * 140000
        assert all(r['live'] + r['restorable'] + r['dead'] == r['octets'] for r in split), split
        office.must('store', 'compact')

        def done():
            row, = office.json('store', 'status')
            return row if row['given_back'] > 0 and not row['compacting'] else None

        row = wait_until(done, 20, 'compaction')
        assert row['segments'] < full['segments'] and row['given_back'] >= 1 << 20, (full, row)
        assert uidls(office) == before[23:]
        assert office.json('mailbox', 'list', ANN, '--expunged') != before, 'nothing was forgotten'
        office.must('fsck')
        office.stop()
        office.must('store', 'compact', '--now')
        office.must('fsck', '--rebuild')
        office.must('fsck')
        office.start()
        assert uidls(office) == before[23:]
        assert len(office.fetch(ANN)[0]) >= 140000
    with_office('segment_size = 1M\nexpunged_keep = 0s\n', check)


def damage(office, what):
    """Changes these octets wherever the store has them."""
    found = 0
    for top in ('journal', 'blob'):
        for path, _, names in os.walk(office.path('store', top)):
            for name in names:
                with open(os.path.join(path, name), 'r+b') as f:
                    at = f.read().find(what)
                    if at >= 0:
                        f.seek(at)
                        f.write(b'?' * len(what))
                        found += 1
    assert found == 1, found


def test_damage_keeps_back_nothing_else(_office):
    def check(office):
        large = messages.plain((b'y' * 70 + b'\r\n') * 20000 + b'near the end\r\n', 'large')
        for raw in (b'Subject: one\r\n\r\nFirst\r\n', b'Subject: two\r\n\r\nSecond\r\n', large,
                    b'Subject: four\r\n\r\nFourth\r\n'):
            office.deliver(raw, ANN)
        ids = uidls(office)
        office.stop()
        damage(office, b'Second\r\n')
        damage(office, b'near the end\r\n')

        def exported(name, form):
            path = os.path.join(office.dir, name)
            done = office.run('mailbox', 'export', ANN, path, '--format', form)
            said = done.stderr.decode()
            assert done.returncode == 65 and '2 messages' in done.stdout.decode(), done
            for uidl, named in zip(ids, (False, True, True, False)):
                assert (f'restante: {uidl}: ' in said) == named, said
            box = mailbox.mbox(path) if form == 'mboxrd' else mailbox.Maildir(path)
            assert sorted(m['Subject'] for m in box) == ['four', 'one'], list(box)
            assert all('yyy' not in m.get_payload() for m in box)
            assert not os.path.exists(path + '.part')
            assert form == 'mboxrd' or os.listdir(os.path.join(path, 'tmp')) == []

        exported('alone.mbox', 'mboxrd')
        exported('alone', 'maildir')
        office.start()
        exported('served.mbox', 'mboxrd')
        exported('served', 'maildir')
    with_office('inline_max = 256K\n', check)


def test_a_table_is_gone(_office):
    """A server does not begin; a command that asks for something else is answered."""
    def check(office):
        office.stop()

        def change(what):
            db = sqlite3.connect(office.path('store', 'accounts.db'))
            with db:
                row = db.execute(what).fetchone()
            db.close()  # else it holds the file
            return row

        made, = change("SELECT sql FROM sqlite_master WHERE name = 'suppression'")
        change('DROP TABLE suppression')
        done = office.run('serve')
        assert done.returncode == 78 and b'no such table' in done.stderr, done
        done = office.run('suppression', 'list')
        assert done.returncode != 0 and b'no such table' in done.stderr, done
        assert ANN in [a['address'] for a in office.json('account', 'list')]
        change(made)
        office.start()

    with_office('', check)


def test_fsck_does_not_compare_with_half(_office):
    """The index that it makes for itself is larger than the temporary file may be: that says nothing about the office's."""
    def check(office):
        mail = b''.join(b'From x@elsewhere.test Mon Nov 23 00:00:00 2026\nMessage-ID: <%0900d@x>\n\n%d\n\n' % (i, i)
                        for i in range(14000))
        box = os.path.join(office.dir, 'box')
        with open(box, 'wb') as f:
            f.write(mail)
        office.must('mailbox', 'import', ANN, box, timeout=100)
        office.must('fsck')
        done = subprocess.run([BIN, 'fsck', '--state', office.state], capture_output=True, check=False, timeout=100, env=environment(),
                              restore_signals=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
        assert done.returncode == 74 and b'SQLITE_TMPDIR' in done.stderr and b'index:' not in done.stdout, done
    with_office('', check)


def test_files_of_nobody_go(_office):
    """What a crash leaves under blob/ is removed when asked for, by the server too, but not beside damage."""
    def check(office):
        big = b'Subject: big\r\n\r\n' + b'x' * 70 + b'\r\n' * 300000
        office.deliver(big)
        (row,) = office.json('mailbox', 'list', ANN)
        (have,) = [os.path.join(d, n) for d, _, names in os.walk(office.path('store', 'blob')) for n in names]
        assert os.path.basename(have) == row['uidl'], have
        stray = have[:-10] + ('0' if have[-10] != '0' else '1') + have[-9:]
        for running in (True, False):
            shutil.copy(have, stray)
            os.chown(stray, os.stat(have).st_uid, os.stat(have).st_gid)
            if not running:
                office.stop()
            assert json.loads(office.must('fsck', '--json')).get('removed') is None and os.path.exists(stray)
            assert json.loads(office.must('fsck', '--repair', '--json'))['removed'] == 1
            assert not os.path.exists(stray) and os.path.exists(have)
        shutil.copy(have, stray)
        segment = max(os.listdir(office.path('store', 'journal')))
        with open(office.path('store', 'journal', segment), 'r+b') as f:
            f.seek(8192 + 40)
            f.write(b'damage!!')
        done = office.run('fsck', '--repair')
        assert done.returncode == 65 and b'removed' not in done.stdout and os.path.exists(stray), done
    with_office('', check)


def test_another_version(_office):
    """An index of an older program is no damage; a directory of a newer one is refused, nothing is changed."""
    def check(office):
        fill(office, 3)
        office.stop()
        store = os.path.join(office.state, 'store')

        def change(name, what):
            db = sqlite3.connect(os.path.join(store, name))
            with db:
                row = db.execute(what).fetchone()
            db.close()
            return row

        change('index.sqlite', 'UPDATE applied SET format = format - 1')
        done = office.run('fsck')
        assert done.returncode == 0 and b'of another version' in done.stdout, done
        ours, = change('accounts.db', 'PRAGMA user_version')
        change('accounts.db', 'PRAGMA user_version = 1000')

        def contents():
            found = {}
            for top, _, names in os.walk(store):
                for name in names:
                    if name.startswith('accounts.db'):
                        continue  # SQLite may fold its log in
                    with open(os.path.join(top, name), 'rb') as f:
                        found[name] = f.read()
            return found

        before = contents()
        for words in (('serve',), ('account', 'list'), ('fsck', '--rebuild')):
            done = office.run(*words)
            assert done.returncode == 78 and b'newer restante' in done.stderr, (words, done)
        after = contents()
        assert after == before, [n for n in {*after, *before} if after.get(n) != before.get(n)]
        change('accounts.db', f'PRAGMA user_version = {ours}')
        office.start()
        assert len(office.fetch(ANN)) == 3
        office.must('fsck')

    with_office('', check)


def test_nothing_wakes_up(office):
    """At rest no process runs, but for a look each minute: laptops sleep, and cores do other work."""
    def turns(pid):
        with open(f'/proc/{pid}/status', encoding='ascii') as f:
            return sum(int(line.split()[1]) for line in f if 'ctxt_switches' in line)

    office.fetch(ANN)
    pids = [office.process.pid, *office.children()]
    time.sleep(4)
    before = {pid: turns(pid) for pid in pids}
    time.sleep(6)
    woken = {name_of(pid): turns(pid) - before[pid] for pid in pids}
    assert all(n <= 3 for n in woken.values()), woken
