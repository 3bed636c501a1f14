#!/usr/bin/env python3
"""What we sign, dkimpy and opendkim verify: odd messages, both algorithms.  Usage: check_dkim.py SHOW_DKIM"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import dkim

HEADER = b'From: a@example.org\r\nTo: b@x.test\r\nSubject: s\r\nDate: d\r\n'
MESSAGES = {
    'plain': HEADER + b'\r\nHello.\r\n',
    'empty body': HEADER + b'\r\n',
    'no body, no blank line': HEADER,
    'blank lines only': HEADER + b'\r\n\r\n\r\n\r\n',
    'blanks only': HEADER + b'\r\n  \t \r\n\t\r\n',
    'blank lines at the end': HEADER + b'\r\nHello.\r\n\r\n \r\n\r\n',
    'blank lines within': HEADER + b'\r\n\r\n\r\nHello.\r\n\r\n\r\nworld\r\n',
    'no line end': HEADER + b'\r\nHello.',
    'blanks everywhere': HEADER + b'\r\n \t a  b\t\tc \t\r\n  d\r\n',
    'folded': b'From: a\r\n <a@example.org>\r\nSubject: a\r\n\t b \r\n  c\r\nTo:\r\n b@x.test\r\n\r\nx\r\n',
    'blank continuation': b'From: a@example.org\r\nSubject: a\r\n \t\r\n b\r\n\r\nx\r\n',
    'no space after the colon': b'From:a@example.org\r\nSubject:s\r\nTO:b@x.test\r\n\r\nx\r\n',
    'empty fields': b'From: a@example.org\r\nSubject:\r\nTo: \r\nCc: \t\r\n\r\nx\r\n',
    '8-bit': b'From: a@example.org\r\nSubject: gr\xc3\xbcn \xff\r\n\r\n\xe4\xf6\xfc\x80\r\n',
    'NUL': HEADER + b'\r\na\0b\r\n',
    'huge line': HEADER + b'\r\n' + b'x' * 300000 + b' ' * 100000 + b'y\r\n',
    'huge field': b'From: a@example.org\r\nSubject: ' + b'x ' * 40000 + b'\r\n\r\nx\r\n',
    'duplicate fields': b'From: a@example.org\r\nTo: 1\r\nX: y\r\nTo: 2\r\nFrom: b@example.org\r\nTo: 3\r\n\r\nx\r\n',
    'every field': b''.join(b'%s: <x%d@example.org>\r\n' % (name, i) for i, name in enumerate(
        b'References In-Reply-To Content-Type MIME-Version Message-ID Reply-To Cc To Date Subject From '
        b'Sender List-Id List-Unsubscribe List-Unsubscribe-Post Content-Transfer-Encoding'.split()))
    + b'\r\nx\r\n',
    'signed before': b'DKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=y; h=From; bh=AA==; b=AA==\r\n'
    + HEADER + b'\r\nx\r\n',
    'a stray CR': HEADER + b'\r\na\rb\r\r\n',
    'many lines': HEADER + b'\r\n' + b'line\r\n' * 20000 + b'\r\n' * 20000,
}


def signed(message):
    said = subprocess.run([sys.argv[1]], input=message, check=True, stdout=subprocess.PIPE).stdout
    records, message = said.split(b'\n\n', 1)
    rsa, ed25519 = records.split(b'\n')
    return {b'r._domainkey.example.org.': rsa, b'e._domainkey.example.org.': ed25519}, message


def verify(message, records):
    def one(i):
        try:
            return dkim.DKIM(message).verify(idx=i, dnsfunc=lambda name, timeout=5: records[name])
        except dkim.ValidationError:
            return False
    return [one(0), one(1)]


# Mail with a NUL or a CR alone is none for it, its buffer for a header ends at 64 KiB, and from a file it reads lines.
NOT_OPENDKIM = {'NUL', 'a stray CR', 'huge field', 'no line end'}


def opendkim(octets, records):
    """What its filter says of each signature, keys from a file."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: os.path.join(folder, name) for name in ('keys', 'conf', 'eml')}
        with open(paths['keys'], 'wb') as f:
            f.writelines(b'%s %s\n' % (name.rstrip(b'.'), key) for name, key in records.items())
        with open(paths['eml'], 'wb') as f:
            f.write(octets)
        with open(paths['conf'], 'w', encoding='ascii') as f:
            f.write(f'TestPublicKeys {paths["keys"]}\nMode v\nOn-BadSignature accept\nSyslog no\n')
        done = subprocess.run(['opendkim', '-x', paths['conf'], '-v', '-v', '-t', paths['eml']],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    return re.findall(rb'dkim=(\w+)[^;]* header\.d=example\.org', done.stdout)


class Signatures(unittest.TestCase):
    def test_messages(self):
        for name, message in MESSAGES.items():
            with self.subTest(name):
                records, octets = signed(message)
                self.assertEqual(verify(octets, records), [True, True])
                field = octets[:octets.index(b'\r\nFrom')]
                for line in octets[:len(octets) - len(message)].split(b'\r\n'):
                    self.assertLess(len(line), 78, field)
                    self.assertFalse(line.endswith(b' '))

    def test_random(self):
        chance = random.Random(6376)
        for _ in range(12):
            body = b''.join(chance.choice([b' ', b'\t', b'\r\n', b'a', b'bc', b'.', b'\xc3'])
                            for _ in range(chance.randrange(60))) + b'\r\n'
            with self.subTest(body):
                records, octets = signed(HEADER + b'\r\n' + body)
                self.assertEqual(verify(octets, records), [True, True])

    @unittest.skipIf(shutil.which('opendkim') is None, 'opendkim is not installed')
    def test_opendkim(self):
        for name in sorted(MESSAGES.keys() - NOT_OPENDKIM):
            with self.subTest(name):
                records, octets = signed(MESSAGES[name])
                self.assertEqual(opendkim(octets, records)[:2], [b'pass', b'pass'])
        self.assertEqual(opendkim(octets.replace(b'\r\n\r\n', b'\r\n\r\nchanged', 1), records)[:2], [b'fail', b'fail'])

    def test_a_change_is_seen(self):
        records, octets = signed(MESSAGES['plain'])
        for old, new in ((b'Hello', b'Hallo'), (b'Subject: s', b'Subject: t'),
                         (b'\r\nTo:', b'\r\nSubject: another\r\nTo:'), (b'\r\nTo:', b'\r\nCc: x\r\nTo:')):
            self.assertEqual(verify(octets.replace(old, new, 1), records), [False, False])


unittest.main(argv=sys.argv[:1])
