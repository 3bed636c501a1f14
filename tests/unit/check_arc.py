#!/usr/bin/env python3
"""Our chains of ARC and dkimpy's, each judged by both.  Usage: check_arc.py SHOW_ARC"""

import base64
import hashlib
import itertools
import random
import re
import subprocess
import sys
import unittest

import dkim
import dkim.crypto

# It knows Ed25519 (RFC 8463) of DKIM only, though RFC 8617 takes a= from there; the rest of it does.
dkim.ARC_HASH_ALGORITHMS[b'ed25519-sha256'] = hashlib.sha256

HEADER = b'From: Ann <a@example.org>\r\nTo: b@x.test\r\nSubject: s\r\nDate: d\r\n'
MESSAGE = HEADER + b'\r\nHello,\r\n\r\n  world. \r\n\r\n\r\n'
MESSAGES = {
    'empty body': HEADER + b'\r\n',
    'blanks only': HEADER + b'\r\n  \t \r\n\t\r\n',
    'blank lines within': HEADER + b'\r\n\r\n\r\nHello.\r\n\r\n\r\nworld\r\n',
    'no line end': HEADER + b'\r\nHello.',
    'folded': b'From: a\r\n <a@example.org>\r\nSubject: a\r\n\t b \r\n  c\r\nTo:\r\n b@x.test\r\n\r\nx\r\n',
    'no space after the colon': b'From:a@example.org\r\nSubject:s\r\nTO:b@x.test\r\n\r\nx\r\n',
    'empty fields': b'From: a@example.org\r\nSubject:\r\nTo: \r\nCc: \t\r\n\r\nx\r\n',
    '8-bit': b'From: a@example.org\r\nSubject: gr\xc3\xbcn \xff\r\n\r\n\xe4\xf6\xfc\x80\r\n',
    'duplicate fields': b'From: a@example.org\r\nTo: 1\r\nX: y\r\nTo: 2\r\nTo: 3\r\n\r\nx\r\n',
    'signed before': b'DKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=y; h=From; bh=AA==; b=AA==\r\n' * 2
    + HEADER + b'\r\nx\r\n',
    'a list': HEADER + b''.join(b'List-%s: <https://x.test/%s>\r\n' % (name, name) for name in (
        b'Id', b'Help', b'Unsubscribe', b'Subscribe', b'Post', b'Owner', b'Archive')) + b'\r\nx\r\n',
}


class Ours:
    """The program, and the keys that it made."""

    def __init__(self):
        self.process = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.records, self.private = {}, {}
        for _ in range(3):
            name, record, key = (self.process.stdout.readline().strip() for _ in range(3))
            self.records[name + b'.'] = record
            self.private[name[:1]] = b'-----BEGIN PRIVATE KEY-----\n' + key + b'\n-----END PRIVATE KEY-----\n'

    def ask(self, verb, message):
        self.process.stdin.write(verb + b' ' + base64.b64encode(message) + b'\n')
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip(b'\n')

    def judge(self, message):
        return self.ask(b'judge', message).split(b' ')[0].decode()

    def why(self, message):
        return self.ask(b'judge', message).decode()

    def seal(self, message, algorithm=b'rsa'):
        return base64.b64decode(self.ask(algorithm, message), validate=True)


def their_judge(message):
    try:
        verdict = dkim.arc_verify(message, dnsfunc=lambda name, timeout=5: OURS.records.get(name, b''))[0]
    except ValueError:  # of base64, which it lets through
        verdict = b'fail'
    return (verdict or b'fail').decode()  # it says None of a chain that is sealed as broken


def their_seal(message):
    # Of a second field of the same server it takes the result as a second one, and fails the chain.
    server = b'theirs%d.example.org' % message.count(b'ARC-Seal:')
    results = server + b'; spf=pass smtp.mailfrom=a@x.test; arc=' + their_judge(message).encode()
    message = b'Authentication-Results: ' + results + b'\r\n' + message
    fields = dkim.arc_sign(message, b't', b'example.org', OURS.private[b't'], server)
    return b''.join(fields) + message


SEALERS = {'ours': lambda m: OURS.seal(m), 'ed25519': lambda m: OURS.seal(m, b'ed25519'), 'theirs': their_seal}


def chain(names, message=MESSAGE):
    for name in names:
        message = SEALERS[name](b'Received: by ' + name.encode() + b'\r\n' + message)
    return message


def fields_of(message):
    header, body = message.split(b'\r\n\r\n', 1)
    return re.split(rb'\r\n(?![ \t])', header), body


def message_of(fields, body):
    return b'\r\n'.join(fields) + b'\r\n\r\n' + body


class Chains(unittest.TestCase):
    def verdicts(self, message):
        ours, theirs = OURS.judge(message), their_judge(message)
        self.assertEqual(ours, theirs, OURS.why(message))
        return ours

    def test_every_order_of_hops(self):
        self.assertEqual(self.verdicts(MESSAGE), 'none')
        for length in (1, 2, 3):
            for names in itertools.product(SEALERS, repeat=length):
                with self.subTest(names):
                    self.assertEqual(self.verdicts(chain(names)), 'pass')

    def test_messages(self):
        for name, message in MESSAGES.items():
            for names in (['ours'], ['theirs'], ['ours', 'theirs', 'ours']):
                with self.subTest(name, names=names):
                    self.assertEqual(self.verdicts(chain(names, message)), 'pass')

    def test_long_chain(self):
        self.assertEqual(self.verdicts(chain(['ours', 'theirs'] * 10)), 'pass')

    def test_a_broken_chain_is_sealed_once(self):
        broken = chain(['theirs', 'ours']).replace(b'Subject: s', b'Subject: t')
        self.assertEqual(self.verdicts(broken), 'fail')
        sealed = OURS.seal(broken)
        self.assertTrue(sealed.startswith(b'ARC-Seal: i=3; a=rsa-sha256; cv=fail;'))
        self.assertEqual(self.verdicts(sealed), 'fail')
        self.assertEqual(OURS.why(their_seal(broken)), 'fail the newest seal says so')

    def test_changes(self):
        for names in itertools.product(('ours', 'theirs'), repeat=3):
            message = chain(names)
            for old, new in ((b'Hello', b'Hallo'), (b'Subject: s', b'Subject: t'), (b'From: Ann', b'From: Eve'),
                             (b'spf=pass', b'spf=fail'), (b'cv=none', b'cv=pass'), (b'cv=pass', b'cv=none'),
                             (b'ARC-Seal: i=2', b'X: i=2'), (b'ARC-Message-Signature: i=1', b'X: i=1')):
                with self.subTest(names, old=old):
                    self.assertIn(old, message)
                    self.assertEqual(self.verdicts(message.replace(old, new)), 'fail')

    def test_order_of_fields(self):
        """RFC 8617 5.1.1: by instance.  dkimpy takes them as they stand, and fails what a server put in another order."""
        fields, body = fields_of(chain(['ours', 'theirs', 'ours']))
        random.Random(5).shuffle(fields)
        self.assertEqual(OURS.judge(message_of(fields, body)), 'pass')

    def test_random_changes(self):
        chance = random.Random(8617)
        changed = {'pass': 0, 'fail': 0}
        for _ in range(40):
            fields, body = fields_of(chain([chance.choice(['ours', 'theirs']) for _ in range(3)]))
            for _ in range(10):
                some, at, to = list(fields), chance.randrange(9), chance.randrange(9)
                how = chance.choice(['copy', 'drop', 'letter', 'fold'])
                if how == 'copy':
                    some.insert(to, some[at])
                elif how == 'drop':
                    del some[at]
                elif how == 'letter':
                    # No letter or digit: of the last one of base64 dkimpy does not see every bit.
                    i = chance.choice([m.start() for m in re.finditer(rb'[^\s]', some[at])
                                       if m.start() > some[at].index(b':')])
                    some[at] = some[at][:i] + chance.choice([b';', b'=', b' ', b'-', b'']) + some[at][i + 1:]
                else:
                    some[at] = some[at].replace(b'; ', b';\r\n\t ')
                with self.subTest(how=how, field=fields[at]):
                    changed[self.verdicts(message_of(some, body))] += 1
        self.assertGreater(min(changed.values()), 50)


OURS = Ours()
unittest.main(argv=sys.argv[:1])
