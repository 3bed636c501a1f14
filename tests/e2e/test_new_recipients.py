"""How many an account may write to for the first time."""

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
