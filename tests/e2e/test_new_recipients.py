"""How many an account may write to for the first time."""

import os

from test_queue import submit

OFFICE = {'config': """account_new_recipients_per_day = 3
carriers = 0
"""}


def refused(office, to, **how):
    code, text = submit(office, [to], **how)
    assert code == 450 and text.startswith(b'4.7.28') and b'first time' in text, (code, text)


def test_strangers_are_counted(office):
    """Who has got a password writes to many strangers; the account's owner writes to those he knows still."""
    assert submit(office, [f'n{i}@elsewhere.test' for i in range(3)])[0] == 250
    refused(office, 'n9@elsewhere.test')
    assert submit(office, ['n1@Elsewhere.test', 'n2@elsewhere.test', 'bob@example.test'])[0] == 250
    refused(office, 'n9@elsewhere.test')
    assert submit(office, ['n9@elsewhere.test'], 'bob@example.test')[0] == 250  # others have their own
    with open(office.log, encoding='utf-8') as f:
        assert 'event=queue.capped-new ' in f.read()


def test_they_are_known_after_a_restart(office):
    office.stop()
    office.start()
    assert submit(office, ['n0@elsewhere.test'])[0] == 250
    refused(office, 'n9@elsewhere.test')


def test_whom_it_knows(office):
    """By name only: hashes are kept.  What a file names is known, and not new."""
    def known(*names):
        return [r['known'] for r in office.json('account', 'correspondents', 'ann@example.test', *names)]
    assert known('N1@elsewhere.test', 'n9@elsewhere.test') == ['yes', 'no']
    (row,) = office.json('account', 'correspondents', 'ann@example.test')
    assert row == {'known': 3, 'new': 3, 'new_most': 3}, row
    path = os.path.join(office.state, 'friends')
    with open(path, 'w', encoding='utf-8') as f:
        f.write('n1@elsewhere.test\r\nn9@elsewhere.test\n\nno address\n' + 'x' * 2000 + '\n')
    done = office.run('account', 'correspondents', 'ann@example.test', '--from', path)
    assert done.returncode == 65 and done.stdout == b'2 known, 2 not\n', done
    told = done.stderr.decode().splitlines()
    assert [t.split(': ')[0] for t in told] == [f'{path}:5', f'{path}:4'], told
    assert "'no address' is no address" in told[1], told
    assert known('n9@elsewhere.test') == ['yes']
    assert submit(office, ['n9@elsewhere.test'])[0] == 250
    refused(office, 'n8@elsewhere.test')
    (row,) = office.json('account', 'correspondents', 'ann@example.test')
    assert row == {'known': 4, 'new': 3, 'new_most': 3}, row
    (row,) = office.json('account', 'correspondents', 'bob@example.test')
    assert row['known'] == 1, row
    for wrong, code in ((('nobody@example.test',), 67), (('ann@example.test', 'what'), 64), (('ann@example.test', b'\xff@b.test'), 64),
                        (('ann@example.test', 'a@b.test', '--from', path), 64),
                        (('ann@example.test', '--from', path + '-not'), 66)):
        done = office.run('account', 'correspondents', *wrong)
        assert done.returncode == code and len(done.stderr.splitlines()) == 1, done


def test_those_of_a_trace(office):
    """As the manual says it: whom the mail went to that the store still has."""
    rows = office.json('trace', 'ann@example.test')
    mine = {r['id'] for r in rows if r.get('sender') == 'ann@example.test'}
    went = {r['recipient'].lower() for r in rows if r['event'] == 'goes on' and r['id'] in mine}
    assert went == {f'n{i}@elsewhere.test' for i in (0, 1, 2, 9)}, went
