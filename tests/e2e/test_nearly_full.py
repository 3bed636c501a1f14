"""quota_warning: one message to the owner before a mailbox is full, and the next one only after it held less again."""

import re

import messages
from office import wait_until

OFFICE = {'accounts': ['ann@example.test', 'bob@example.test'], 'config': 'quota_warning = 90\n'}
BOB = 'bob@example.test'


def kib(n):
    return b'Subject: %d\r\n\r\n' % n + (b'x' * 62 + b'\r\n') * 16 * n


def listed(office, folder='inbox'):
    return office.json('mailbox', 'list', BOB, '--folder', folder)


def warnings(office):
    """Of what is in the mailbox.  A warning is on its way when its message was answered: the next command waits for
    what the store does."""
    return [r for r in listed(office) if r['sender'] == '']


def delivered(office, raw, count):
    """Delivers one; so many messages are there then, and stay so many."""
    office.deliver(raw, to=BOB)
    wait_until(lambda: len(listed(office)) >= count, 10, f'{count} messages')
    office.must('queue', 'list')  # another turn of the store
    assert len(listed(office)) == count, listed(office)


def test_once_until_it_held_less(office):
    office.must('account', 'set', BOB, '--quota-bytes', '100K')
    delivered(office, kib(50), 1)
    delivered(office, kib(35), 2)
    assert warnings(office) == []
    delivered(office, kib(5), 4)  # over 90 %
    assert len(warnings(office)) == 1
    delivered(office, kib(1), 5)
    office.stop()
    office.start()
    delivered(office, kib(1), 6)
    office.kill()
    office.revive()
    delivered(office, kib(1), 7)
    text = office.must('mailbox', 'show', BOB, warnings(office)[0]['uidl']).decode()
    head, _, body = text.replace('\r\n', '\n').partition('\n\n')
    assert head.startswith('Return-Path: <>\n') and 'Auto-Submitted: auto-generated' in head, head
    assert f'To: <{BOB}>' in head and 'Subject: Your mailbox is nearly full' in head, head
    assert f'The mailbox {BOB} is over 90 % full.\nIt holds 3 messages, 91 KiB of 100 KiB.' in body, body
    assert office.log_tail(100000).count('event=quota.warned') == 1
    office.fetch(BOB)  # and deletes
    delivered(office, kib(50), 1)
    delivered(office, kib(45), 3)
    assert len(warnings(office)) == 1
    office.fetch(BOB)


def test_of_messages(office):
    office.must('account', 'set', BOB, '--quota-bytes', 'none', '--quota-messages', '10')
    for n in range(1, 10):
        delivered(office, messages.plain(b'x\r\n'), n)
    assert warnings(office) == []
    office.deliver(messages.plain(b'x\r\n'), to=BOB)  # the tenth: over 90 %, and no room for a warning
    assert warnings(office) == [] and len(listed(office)) == 10
    office.fetch(BOB)


def configure(office, share):
    with open(office.path('restante.conf'), encoding='utf-8') as f:
        text = re.sub('quota_warning = .*', f'quota_warning = {share}', f.read())
    with open(office.path('restante.conf'), 'w', encoding='utf-8') as f:
        f.write(text)
    office.stop()
    office.start()


def test_without_a_quota_or_switched_off(office):
    office.must('account', 'set', BOB, '--quota-messages', 'none')
    delivered(office, kib(100), 1)
    office.must('account', 'set', BOB, '--quota-bytes', '110K')
    configure(office, 'off')
    delivered(office, kib(1), 2)
    configure(office, '50')
    delivered(office, kib(1), 4)
    assert len(warnings(office)) == 1


def test_nobody_else_is_told(office):
    """Mail to several, of whom one is over his share; and mail that an alias brings."""
    office.fetch(BOB)
    office.fetch()
    office.must('alias', 'add', 'team@example.test', BOB, 'ann@example.test')
    office.deliver(kib(80), to='team@example.test')
    wait_until(lambda: len(warnings(office)) == 1, 10, 'the warning')
    assert len(office.fetch()) == 1
