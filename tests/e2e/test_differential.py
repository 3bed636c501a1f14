"""The same POP3 dialogues against Dovecot and against us, over the same messages.  Every difference is
a row of doc/pop3-differences.md with its reason; a difference without a row fails, and so does a
row without a difference."""

import os
import re
import shutil
import socket
import tempfile

from office import PASSWORD, Wire
from test_import import Dovecot

OFFICE = {'config': 'cleartext_auth = yes\nlogin_timeout = 30s\n'}
ANN = 'ann@example.test'
HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, '..', '..', 'doc', 'pop3-differences.md')

MESSAGES = [
    b'From: a@example.test\nSubject: plain\n\nOne line\n',
    b'From: b@example.test\nSubject: dots\n\n.\n..\n.x\nlast\n',
    b'From: c@example.test\nSubject: no body\n\n',
    b'From: d@example.test\nSubject: header only\n',
    b'From: e@example.test\nSubject: long\n\n' + b'z' * 5000 + b'\nshort\n',
    b'From: f@example.test\nSubject: 8-bit \xc3\xa9\n\n\xe9\xff\x80\n',
    b'From: g@example.test\nSubject: lines\n\n1\n2\n3\n4\n5\n',
]

USER, PASS = 'USER %u', 'PASS %p'
LOGIN = [USER, PASS]
# name: commands.  A dialogue starts at the greeting and ends when the server closes or the last command
# is answered.  %u and %p: a good name and password.
DIALOGUES = {
    'capabilities before login': ['CAPA'],
    'capabilities after login': [*LOGIN, 'CAPA'],
    'login': [*LOGIN, 'STAT', 'QUIT'],
    'lower case': ['user %u', 'pass %p', 'stat', 'quit'],
    'wrong password': [USER, 'PASS wrong', 'QUIT'],
    'unknown user': ['USER nobody', 'PASS wrong', 'QUIT'],
    'PASS first': ['PASS %p', 'QUIT'],
    'USER without name': ['USER', 'QUIT'],
    'PASS without password': [USER, 'PASS', 'QUIT'],
    'two names': [USER, USER, PASS, 'QUIT'],
    'transaction verbs before login': ['STAT', 'LIST', 'QUIT'],
    'login verbs after login': [*LOGIN, USER, PASS, 'QUIT'],
    'unknown verb': [*LOGIN, 'XYZZY', 'QUIT'],
    'empty line': [*LOGIN, '', 'QUIT'],
    'NOOP': [*LOGIN, 'NOOP', 'NOOP now', 'QUIT'],
    'STAT with argument': [*LOGIN, 'STAT 1', 'QUIT'],
    'LIST': [*LOGIN, 'LIST', 'LIST 1', 'LIST 7', 'LIST 8', 'LIST 0', 'LIST -1', 'LIST x', 'LIST 1 2',
             'LIST 99999999999999999999', 'LIST 01', 'QUIT'],
    'UIDL': [*LOGIN, 'UIDL', 'UIDL 1', 'UIDL 8', 'UIDL 0', 'UIDL x', 'UIDL 1 2', 'QUIT'],
    'RETR': [*LOGIN, *(f'RETR {n}' for n in range(1, 9)), 'RETR', 'RETR 0', 'RETR x', 'RETR 1 2',
             'QUIT'],
    'TOP': [*LOGIN, *(f'TOP {n} {lines}' for n in range(1, 8) for lines in (0, 1, 3, 1000)), 'TOP 1',
            'TOP', 'TOP 1 -1', 'TOP 8 0', 'TOP 1 x', 'TOP 1 1 1', 'QUIT'],
    'DELE and RSET': [*LOGIN, 'DELE 1', 'DELE 1', 'RETR 1', 'TOP 1 0', 'LIST 1', 'UIDL 1', 'STAT',
                      'LIST', 'UIDL', 'RSET', 'STAT', 'LIST 1', 'DELE', 'DELE 0', 'DELE x', 'DELE 8',
                      'RSET', 'QUIT'],
    'LAST': [*LOGIN, 'RETR 2', 'LAST', 'QUIT'],
    'QUIT with argument': [*LOGIN, 'QUIT now'],
    'QUIT at once': ['QUIT'],
    'trailing space': [*LOGIN, 'STAT ', 'LIST 1 ', 'QUIT'],
    'two spaces': [*LOGIN, 'LIST  1', 'QUIT'],
    'AUTH without mechanism': ['AUTH', 'QUIT'],
    'AUTH with an unknown one': ['AUTH NOPE', 'QUIT'],
    'APOP': ['APOP %u 0123456789abcdef0123456789abcdef', 'QUIT'],
    'STLS': ['STLS'],
    'UTF8': ['UTF8', *LOGIN, 'QUIT'],
    'LANG': [*LOGIN, 'LANG', 'LANG en', 'QUIT'],
    'XCLIENT': ['XCLIENT ADDR=192.0.2.1', 'QUIT'],
}
MULTI = {'LIST': 1, 'UIDL': 1, 'CAPA': 1, 'LANG': 1, 'AUTH': 1}  # words of a multi-line one
ALWAYS = ('RETR', 'TOP')


def is_multi(command, line):
    words = command.upper().split()
    if not line.startswith(b'+OK') or not words:
        return False
    return words[0] in ALWAYS or MULTI.get(words[0]) == len(words)


def first_line(command, line):
    """What of a response a client acts on: status, response code, and the numbers of a few."""
    verb = command.upper().split()[:1]
    status = line.split(b' ')[0].decode('ascii', 'replace')
    code = re.match(rb'-ERR (\[[A-Z/-]+\])', line)
    if code:
        status += ' ' + code[1].decode()
    if status == '+OK' and (verb == ['STAT'] or (verb in (['LIST'], ['UIDL']) and ' ' in command)):
        status += ' ' + ' '.join(line.decode('ascii', 'replace').split()[1:3])
    return status


def talk(port, user, password, commands):
    """[(command, first line, lines or None)]; 'closed' when the server goes early."""
    said = []
    with Wire(port, timeout=30) as w:
        said.append(('(greeting)', first_line('', w.line()), None))
        for command in commands:
            w.send(command.replace('%u', user).replace('%p', password) + '\r\n')
            try:
                line = w.line()
            except (ConnectionError, socket.timeout):
                line = b''
            if line == b'' and w.ended:
                said.append((command, 'closed', None))
                break
            if line.startswith(b'+ ') or line == b'+':
                said.append((command, 'continuation', None))
                w.send('*\r\n')
                w.line()
                continue
            lines = w.multi() if is_multi(command, line) else None
            said.append((command, first_line(command, line), lines))
    return said


def body_of(lines):
    return b'\n'.join(lines)


def difference(theirs, ours):
    """None, or (theirs, ours) in a few words."""
    if theirs[1] != ours[1]:
        return theirs[1], ours[1]
    if (theirs[2] is None) != (ours[2] is None):
        return 'one line' if theirs[2] is None else 'lines', 'one line' if ours[2] is None else 'lines'
    if theirs[2] is None or body_of(theirs[2]) == body_of(ours[2]):
        return None
    a, b = theirs[2], ours[2]
    at = next((n for n, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return (f'{len(a)} lines' if len(a) != len(b) else f'line {at + 1}: {a[at][:40]!r}',
            f'{len(b)} lines' if len(a) != len(b) else f'line {at + 1}: {b[at][:40]!r}')


def compare(name, theirs, ours):
    found = {}
    if 'capabilities' in name:
        a, b = set(theirs[-1][2]), set(ours[-1][2])
        words = {line.split()[0] for line in a ^ b}
        for word in sorted(words):
            def said(lines, w=word):
                return next((x.decode() for x in sorted(lines) if x.split()[0] == w), 'none')
            found[f'{name}: {word.decode()}'] = (said(a), said(b))
        return found
    for n in range(max(len(theirs), len(ours))):
        if n >= len(theirs) or n >= len(ours):
            break  # the command before it has said 'closed'
        d = difference(theirs[n], ours[n])
        if d is not None:
            found[f'{name}: {theirs[n][0] or "(empty)"}'] = d
    return found


def documented():
    """{key: (theirs, ours)} of the rows in the table."""
    rows = {}
    with open(TABLE, encoding='utf-8') as f:
        for line in f:
            cells = [c.strip().strip('`') for c in line.strip().strip('|').split(' | ')]
            if line.startswith('| `') and len(cells) == 4:
                assert cells[3], f'no reason: {line}'
                rows[cells[0]] = (cells[1], cells[2])
    return rows


def make_maildir(path):
    for name in ('new', 'cur', 'tmp'):
        os.makedirs(os.path.join(path, name))
    for n, raw in enumerate(MESSAGES):
        # W=: the size with CRLF, so that nobody guesses.
        with open(os.path.join(path, 'cur', f'10000000{n:02d}.M{n}P1.test:2,'), 'wb') as f:
            f.write(raw)


def test_dialogues(office):
    top = tempfile.mkdtemp(prefix='restante-differential.')
    found = {}
    try:
        make_maildir(os.path.join(top, 'md'))
        os.mkdir(os.path.join(top, 'run'))
        dovecot = Dovecot(top)
        try:
            dovecot.uidls()
            # The same messages in the same order under the same UIDLs.
            office.must('mailbox', 'import', ANN, os.path.join(top, 'md'))
            for name, commands in DIALOGUES.items():
                theirs = talk(dovecot.port, 'ann', 'secret', commands)
                ours = talk(office.port('pop3'), ANN, PASSWORD, commands)
                found.update(compare(name, theirs, ours))
        finally:
            dovecot.stop()
    finally:
        shutil.rmtree(top)
    if os.environ.get('PRINT'):
        for key, (theirs, ours) in found.items():
            print(f'| `{key}` | `{theirs}` | `{ours}` | |')
    rows = documented()
    missing = {k: v for k, v in found.items() if rows.get(k) != v}
    stale = sorted(set(rows) - set(found))
    assert not missing, f'differences without a row in doc/pop3-differences.md: {missing}'
    assert not stale, f'rows of doc/pop3-differences.md that are no difference: {stale}'
    # The table would also be "right" if nothing had been said at all.
    assert len(DIALOGUES) > 30


test_dialogues.seconds = 300


def test_the_comparison_can_fail(_):
    """An answer changed in one place is found."""
    one = [('RETR 1', '+OK', [b'a', b'b']), ('STAT', '+OK 7 100', None)]
    assert compare('x', one, one) == {}
    assert compare('x', one, [one[0], ('STAT', '+OK 7 101', None)]) == {
        'x: STAT': ('+OK 7 100', '+OK 7 101')}
    assert compare('x', one, [('RETR 1', '+OK', [b'a', b'c']), one[1]])
    assert compare('x', one, [('RETR 1', '-ERR', None), one[1]])
