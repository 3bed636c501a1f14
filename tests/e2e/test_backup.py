"""Copies of an office that runs, and what can be made of them again."""

import contextlib
import glob
import os
import resource
import shutil
import sqlite3
import subprocess
import threading
import time

import messages
from office import BIN, environment, wait_until
from test_pop3 import fill, uidls
from test_store import with_office

ANN, BOB = 'ann@example.test', 'bob@example.test'


def hand_in(mx, to, raw):
    """Returns the id that the 250 names, which is the UIDL."""
    mx.ehlo_or_helo_if_needed()
    mx.mail('x@elsewhere.test')
    assert mx.rcpt(to)[0] == 250
    code, said = mx.data(raw)
    assert code == 250, said
    return said.decode().split()[1]


class Load:
    """Clients that hand in and fetch mail until told to stop; remembers what was acknowledged."""

    def __init__(self, office):
        self.office, self.over, self.wrong = office, False, []
        self.stored, self.deleted = {ANN: [], BOB: []}, []
        self.threads = [threading.Thread(target=self.guard, args=(work,)) for work in
                        (self.send, self.send, self.send_large, self.fetch)]
        for t in self.threads:
            t.start()

    def guard(self, work):
        try:
            while not self.over:
                work()
        except Exception as e:  # pylint: disable=broad-except
            self.wrong.append(e)

    def send(self):
        with self.office.mx() as mx:
            for i in range(20):
                to = (ANN, BOB)[i % 2]
                raw = messages.plain((b'x' * 70 + b'\r\n') * 200, 'small')
                self.stored[to].append(hand_in(mx, to, raw))

    def send_large(self):
        with self.office.mx() as mx:
            raw = messages.plain((b'y' * 70 + b'\r\n') * 6000, 'large')
            self.stored[ANN].append(hand_in(mx, ANN, raw))

    def fetch(self):
        p = self.office.pop(BOB)
        rows = [line.decode().split() for line in p.uidl()[1]][:5]
        for n, _ in rows:
            p.retr(int(n))
            p.dele(int(n))
        p.quit()
        self.deleted += [uidl for _, uidl in rows]

    def moment(self):
        """What is acknowledged by now."""
        deleted = list(self.deleted)
        return {who: list(ids) for who, ids in self.stored.items()}, deleted

    def end(self):
        self.over = True
        for t in self.threads:
            t.join()
        assert not self.wrong, self.wrong


class Restored:
    """The office made of a backup, on the ports of the first one, which must have stopped."""

    def __init__(self, office, backup):
        self.office, self.kept = office, office.state
        office.state = os.path.join(office.dir, 'restored')
        office.must('restore', backup)

    def __enter__(self):
        self.office.start()
        return self.office

    def __exit__(self, *_):
        if self.office.process is not None:
            self.office.stop()
        shutil.rmtree(self.office.state, ignore_errors=True)
        self.office.state = self.kept


def uidls_of(office, user):
    p = office.pop(user)
    rows = [line.decode().split()[1] for line in p.uidl()[1]]
    p.quit()
    return rows


def test_backup_under_load(_office):
    def check(office):
        dest = os.path.join(office.dir, 'backups')
        load = Load(office)
        time.sleep(2)
        first = load.moment()
        one = office.json('backup', dest)
        time.sleep(1)
        second = load.moment()
        two = office.json('backup', dest)
        went_on = load.moment()
        load.end()
        assert one['damaged'] == two['damaged'] == 0 and two['files'] > one['files'] > 0
        assert one['segments'] > 1 and two['linked'] > 0 and two['copied'] < two['octets']
        assert len(went_on[0][ANN]) > len(second[0][ANN]) > len(first[0][ANN]) > 20
        everything = {who: uidls_of(office, who) for who in (ANN, BOB)}
        assert office.run('backup', 'verify', one['path'], state=False).returncode == 0
        office.stop()
        for backup, (stored, deleted) in ((one, first), (two, second)):
            with Restored(office, backup['path']) as restored:
                office.must('fsck')
                ann, bob = uidls_of(restored, ANN), uidls_of(restored, BOB)
                assert set(stored[ANN]) <= set(ann), 'acknowledged mail is not in the backup'
                assert not set(deleted) & set(bob), 'deleted mail came back'
                gone = set(load.deleted)
                assert set(stored[BOB]) - gone <= set(bob)
                assert ann == everything[ANN][:len(ann)], 'another order'
                assert {len(m) > 400000 for m in restored.fetch(ANN)} == {True, False}
                restored.deliver(messages.plain(b'new\r\n', 'new'), ANN)
                assert len(restored.fetch(ANN)) == 1
        office.start()
        assert uidls_of(office, ANN) == everything[ANN]
    with_office('segment_size = 1M\nexpunged_keep = 0s\n', check)


def test_backup_without_a_server(office):
    fill(office, 3)
    before = uidls(office)
    dest = os.path.join(office.dir, 'cold')
    office.stop()
    assert office.json('backup', dest)['damaged'] == 0
    office.start()
    assert uidls(office) == before
    # what was not finished is no backup, and is removed by the next
    broken = os.path.join(dest, '20200101T000000Z')
    os.makedirs(os.path.join(broken, 'store'))
    stranger = os.path.join(dest, 'notes')
    os.makedirs(stranger)
    assert office.run('backup', 'verify', dest, state=False).returncode == 0
    assert office.run('backup', 'verify', broken, state=False).returncode == 66
    with open(office.path('providers.tsv'), 'w', encoding='ascii') as f:
        f.write('# ours\n')
    with sqlite3.connect(office.path('store', 'remote.db')) as db:
        db.execute('PRAGMA journal_mode=WAL')
        db.execute('CREATE TABLE known(uidl TEXT)')
        db.execute("INSERT INTO known VALUES('here')")
    two = office.json('backup', dest, '--with-keys')
    with sqlite3.connect(os.path.join(two['path'], 'store', 'remote.db')) as copy:
        assert copy.execute('SELECT * FROM known').fetchall() == [('here',)]
    assert office.run('backup', 'verify', dest, state=False).returncode == 0
    db.close()
    copy.close()
    for path in glob.glob(office.path('store', 'remote.db*')):
        os.unlink(path)
    assert not os.path.exists(broken) and os.path.exists(stranger)
    assert os.path.exists(os.path.join(two['path'], 'tls', 'key.pem'))
    assert not glob.glob(office.path('store', 'accounts.backup*'))
    office.stop()
    # nothing is wrong with what nobody has started yet
    fresh = os.path.join(office.dir, 'fresh')
    assert office.run('restore', dest, '--state', fresh, state=False).returncode == 0
    done = office.run('fsck', '--state', fresh, state=False)
    assert done.returncode == 0 and b'index: there is none yet' in done.stdout, done
    with Restored(office, dest) as restored:
        assert uidls(restored) == before
        assert os.path.exists(restored.path('providers.tsv'))
    office.start()


def test_backup_says_what_is_wrong(office):
    nothing = os.path.join(office.dir, 'nothing')
    for words, code in ((('backup',), 64), (('backup', '/proc/no/such'), 73),
                        (('backup', 'verify', nothing), 66), (('restore', nothing), 66)):
        done = office.run(*words, state='verify' not in words)
        assert done.returncode == code and done.stderr.count(b'\n') == 1, done
    dest = os.path.join(office.dir, 'said')
    path = office.json('backup', dest)['path']
    done = office.run('restore', dest)
    assert done.returncode == 73 and b'not an empty directory' in done.stderr, done
    with contextlib.closing(sqlite3.connect(office.path('store', 'remote.db'))) as db, db:
        db.execute('CREATE TABLE large(octets BLOB)')
        db.execute('INSERT INTO large VALUES(zeroblob(400000))')
    done = subprocess.run([BIN, 'backup', os.path.join(office.dir, 'small'), '--state', office.state], capture_output=True,
                          check=False, env=environment(), restore_signals=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000)))
    os.unlink(office.path('store', 'remote.db'))
    assert done.returncode == 74 and b'remote.db: ' in done.stderr and b'not an error' not in done.stderr, done
    with open(os.path.join(path, 'manifest'), 'ab') as f:
        f.write(b'file 1 1 x\n')
    done = office.run('backup', 'verify', path, state=False)
    assert done.returncode == 65 and b'manifest is damaged' in done.stderr, done


def damage(path, needle):
    with open(glob.glob(path)[0], 'r+b') as f:
        at = f.read().index(needle)
        f.seek(at)
        f.write(b'\0\0')


def test_damage_is_told_and_blocks_nothing(_office):
    def check(office):
        fill(office, 3)
        bad = hand_in(office.mx(), ANN, messages.plain(b'needle-in-a-haystack\r\n', 'bad'))
        before = uidls(office)
        dest = os.path.join(office.dir, 'd')
        copy = office.json('backup', dest)
        assert copy['damaged'] == 0
        victim, = glob.glob(os.path.join(copy['path'], 'store', 'journal', '*1.seg'))
        damage(victim, b'needle-in')
        done = office.run('backup', 'verify', dest, state=False)
        assert done.returncode == 65 and bad.encode() in done.stdout, done
        # the next backup does not take it over
        assert office.json('backup', dest)['damaged'] == 0
        # damage in the office itself: what an older backup has is good there, what is new is not
        assert office.json('backup', dest)['damaged'] == 0
        fill(office, 1)
        before = uidls(office)
        damage(office.path('store', 'journal', '00000001.seg'), b'needle-in')
        done = office.run('backup', dest)
        assert done.returncode == 65 and bad.encode() in done.stdout, done
        assert office.run('backup', 'verify', dest, state=False).returncode == 65
        office.stop()
        state, office.state = office.state, os.path.join(office.dir, 'again')
        done = office.run('restore', dest)
        assert done.returncode == 65 and bad.encode() in done.stdout, done
        office.start()
        assert uidls(office) == before, 'one damaged message keeps the others'
        office.stop()
        office.state = state
        office.start()
    with_office('', check)


def brought_back(office, dest, *words):
    sums = office.json('restore', dest, *words)
    assert sums.pop('replaced') == 0
    return sums


def test_single_messages_come_back(_office):
    def check(office):
        fill(office, 3)
        large = hand_in(office.mx(), ANN, messages.plain((b'z' * 70 + b'\r\n') * 6000, 'large'))
        before, octets = uidls(office), office.fetch(ANN, delete=False)
        dest = os.path.join(office.dir, 'd')
        office.must('backup', dest)
        for n in (1, 4):
            p = office.pop(ANN)
            p.dele(n if n == 1 else 3)
            p.quit()
        hand_in(office.mx(), ANN, messages.plain(b'later\r\n', 'later'))
        later = uidls(office)[-1:]
        # deleted a moment ago: they come back to their places
        assert brought_back(office, dest, '--account', ANN) == {
            'stored': 0, 'undeleted': 2, 'present': 2, 'damaged': 0}
        assert uidls(office) == before + later
        assert brought_back(office, dest, '--account', ANN)['present'] == 4
        # deleted for good: delivered anew, under their old UIDLs
        p = office.pop(ANN)
        for n in range(1, 6):
            p.dele(n)
        p.quit()
        office.stop()
        office.start()
        fill(office, 1, BOB)  # what was appended to last stays
        office.fetch(BOB)
        office.stop()
        office.must('store', 'compact', '--now')
        office.start()
        assert office.json('mailbox', 'list', ANN, '--expunged') == []
        assert brought_back(office, dest, '--message', large, '--to', ANN)['stored'] == 1
        assert uidls(office) == [large] and office.fetch(ANN, delete=False) == octets[3:]
        assert brought_back(office, dest, '--account', ANN) == {
            'stored': 3, 'undeleted': 0, 'present': 1, 'damaged': 0}
        assert set(uidls(office)) == set(before)
        # to somebody who never had it, once
        for stored in (1, 0):
            assert brought_back(office, dest, '--message', large, '--to', BOB)['stored'] == stored
        assert uidls(office, BOB) == [large] and office.fetch(BOB) == octets[3:]
        assert brought_back(office, dest, '--account', ANN, '--since', '1h', '--to', BOB) == {
            'stored': 3, 'undeleted': 1, 'present': 0, 'damaged': 0}
        office.must('fsck')
        time.sleep(1.1)
        sums = brought_back(office, dest, '--account', ANN, '--since', '1s', '--to', BOB)
        assert sums == {'stored': 0, 'undeleted': 0, 'present': 0, 'damaged': 0}
        office.stop()
        assert brought_back(office, dest, '--account', ANN)['present'] == 4, 'without a server'
        office.start()
    with_office('expunged_keep = 0s\n', check)


def test_restoring_mail_says_what_is_wrong(office):
    fill(office, 1)
    dest = os.path.join(office.dir, 'wrong')
    path = office.json('backup', dest)['path']
    known, unknown = uidls(office)[-1], '01ARZ3NDEKTSV4RRFFQ69G5FAV'
    for words, code in ((('--message', known), 64), (('--to', ANN), 64), (('--since', '1h'), 64),
                        (('--message', known, '--account', ANN, '--to', ANN), 64),
                        (('--account', ANN, '--since', 'noon'), 64),
                        (('--message', 'x', '--to', ANN), 64),
                        (('--message', unknown, '--to', ANN), 67),
                        (('--account', 'nobody@example.test'), 67),
                        (('--message', known, '--to', 'nobody@example.test'), 67)):
        done = office.run('restore', dest, *words)
        assert done.returncode == code and done.stderr.count(b'\n') == 1, (words, done)
    p = office.pop(ANN)
    p.dele(len(p.list()[1]))
    p.quit()
    p = office.pop(ANN)
    done = office.run('restore', dest, '--message', known, '--to', ANN)
    assert done.returncode == 75 and b'kick' in done.stderr, done
    p.quit()
    damage(glob.glob(os.path.join(path, 'store', 'journal', '*.seg'))[-1], b'number 1')
    done = office.run('restore', dest, '--message', known, '--to', ANN)
    assert done.returncode == 65 and known.encode() in done.stderr, done


def test_scrub_finds_damage(_office):
    def check(office):
        fill(office, 2)
        bad = hand_in(office.mx(), ANN, messages.plain(b'needle-in-a-haystack\r\n', 'bad'))
        large = hand_in(office.mx(), ANN, messages.plain((b'z' * 70 + b'\r\n') * 6000, 'large'))
        fill(office, 1)
        row, = office.json('store', 'scrub', '--now')
        assert row['damaged'] == 0 and row['scrubbed'] and not row['scrubbing'], row
        damage(office.path('store', 'journal', '00000001.seg'), b'needle-in')
        damage(office.path('store', 'blob', '*', large), b'zzzz')
        row = scrubbed(office)
        assert row['damaged'] == 2, row
        assert any(bad in line for line in row['damage']), row
        assert any(large in line for line in row['damage']), row
        lines = [line for line in office.log_tail(20000).split('\n') if 'scrub.damage' in line]
        assert {f'qid={bad}', f'qid={large}'} == {w for line in lines for w in line.split()
                                                 if w.startswith('qid=')}, lines
        p = office.pop(ANN)
        assert p.stat()[0] == 5 and b'line 1' in b''.join(p.retr(5)[1])
        p.quit()
        office.stop()
        row, = office.json('store', 'status')
        assert row['damaged'] == 2 and row['scrubbed'], 'forgotten at a restart'
        row, = office.json('store', 'scrub')
        assert row['damaged'] == 2, 'without a server'
    with_office('', check)


def scrubbed(office):
    office.must('store', 'scrub', '--now')

    def done():
        row, = office.json('store', 'status')
        return row if not row['scrubbing'] else None
    return wait_until(done, 20, 'the scrub')


def test_what_is_damaged_is_replaced(_office):
    def check(office):
        fill(office, 1)
        bad = hand_in(office.mx(), ANN, messages.plain(b'needle-in-a-haystack\r\n', 'bad'))
        large = hand_in(office.mx(), ANN, messages.plain((b'z' * 70 + b'\r\n') * 6000, 'large'))
        fill(office, 1)
        before, octets = uidls(office), office.fetch(ANN, delete=False)
        dest = os.path.join(office.dir, 'd')
        # on the same file system the copy would be the damaged file itself
        office.must('backup', dest)
        copy = office.path('store', 'blob', '*', large)
        path, = glob.glob(copy)
        shutil.copy(path, path + '~')
        os.chown(path + '~', os.stat(path).st_uid, os.stat(path).st_gid)
        os.rename(path + '~', path)
        damage(office.path('store', 'journal', '00000001.seg'), b'needle-in')
        damage(copy, b'zzzz')
        sums = office.json('restore', dest, '--account', ANN)
        assert sums == {'stored': 2, 'undeleted': 0, 'present': 2, 'replaced': 2,
                        'damaged': 0}, sums
        assert sorted(uidls(office)) == sorted(before), 'the same UIDLs, each once'
        assert sorted(office.fetch(ANN, delete=False)) == sorted(octets)
        sums = office.json('restore', dest, '--message', bad, '--to', ANN)
        assert sums['present'] == 1 and sums['stored'] == sums['replaced'] == 0, sums
        office.must('mailbox', 'export', ANN, os.path.join(office.dir, 'm'), '--format', 'maildir')
    with_office('', check)


def test_scrub_goes_on_after_a_restart(_office):
    def check(office):
        raw = messages.plain((b'x' * 70 + b'\r\n') * 2500, 'room')
        for _ in range(24):
            office.deliver(raw, ANN)
        assert office.json('store', 'scrub')[0]['scrubbing']
        time.sleep(2.5)
        before = office.json('store', 'status')[0]
        assert before['scrubbing'] not in ('0%', '100%') and before['scrubbed'] is None, before
        office.stop()
        office.start()
        assert scrubbed(office)['damaged'] == 0
        begun = [line for line in office.log_tail(20000).split('\n') if 'scrub.begun' in line]
        assert 'segment=0' in begun[0].split() and 'segment=0' not in begun[1].split(), begun
    with_office('segment_size = 1M\nscrub_rate = 1M\n', check)
