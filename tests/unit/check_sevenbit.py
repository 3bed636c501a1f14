#!/usr/bin/env python3
"""Mail that was made 7-bit says the same as before, to Python's email package.
Usage: check_sevenbit.py SHOW_SEVENBIT"""

import email
import email.policy
import random
import subprocess
import sys
import unittest

UMLAUTS = 'Grüße aus München, schöne Straße = 100 % \t\n.\nFrom here\n'.replace('\n', '\r\n').encode()
TOP = b'From: a@x.test\r\nMIME-Version: 1.0\r\n'
TEXT = b'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n'


def multipart(kind, *parts, boundary=b'b1', top=b''):
    lines = [top + b'Content-Type: multipart/' + kind + b'; boundary="' + boundary + b'"\r\n\r\npreamble\r\n']
    for part in parts:
        lines.append(b'--' + boundary + b'\r\n' + part + b'\r\n')
    return b''.join(lines) + b'--' + boundary + b'--\r\nepilogue\r\n'


PLAIN = b'Content-Type: text/plain\r\n\r\nplain  \r\n--b2\r\n--b1x\r\n'
BINARY = b'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n' + bytes(range(256)) * 9
NESTED = b'Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
POSSIBLE = {
    'text': TOP + TEXT + b'\r\n' + UMLAUTS,
    'text without a line end': TOP + TEXT + b'\r\n' + UMLAUTS + b'\xc3\xbc ',
    'long lines': TOP + TEXT + b'\r\n' + 'ü x'.encode() * 2000 + b'\r\n',
    'other letters': TOP + TEXT + b'\r\n' + 'Привет, мир\r\n'.encode() * 50,
    'no encoding said': TOP + b'Content-Type: text/plain; charset=utf-8\r\n\r\n' + UMLAUTS,
    'mixed': multipart(b'mixed', PLAIN, TEXT + b'\r\n' + UMLAUTS, BINARY, top=TOP),
    'nested': multipart(b'mixed', PLAIN, multipart(b'alternative', TEXT + b'\r\n' + UMLAUTS, PLAIN, boundary=b'b2'),
                        TEXT + b'\r\n' + UMLAUTS, top=TOP + b'Content-Transfer-Encoding: 8bit\r\n'),
    'a message in it': multipart(b'mixed', NESTED + TOP + TEXT + b'\r\n' + UMLAUTS, PLAIN, top=TOP),
    'a multipart in a message in it': multipart(
        b'mixed', NESTED + multipart(b'mixed', TEXT + b'\r\n' + UMLAUTS, BINARY, boundary=b'b2', top=TOP), PLAIN, top=TOP),
    'the outer boundary ends the inner': TOP + b'Content-Type: multipart/mixed; boundary=b1\r\n\r\n--b1\r\n'
    b'Content-Type: multipart/mixed; boundary=b2\r\n\r\n--b2\r\n' + TEXT + b'\r\n' + UMLAUTS + b'\r\n--b1\r\n'
    + TEXT + b'\r\n' + UMLAUTS + b'\r\n--b1--\r\n',
    'empty parts': multipart(b'mixed', b'', b'\r\n', TEXT, TEXT + b'\r\n', TEXT + b'\r\n' + UMLAUTS, top=TOP),
    'beside what is signed': multipart(b'mixed', multipart(b'signed', PLAIN, PLAIN, boundary=b'b2'),
                                       TEXT + b'\r\n' + UMLAUTS, top=TOP),
}
IMPOSSIBLE = {
    'signed': multipart(b'signed', TEXT + b'\r\n' + UMLAUTS, PLAIN, top=TOP),
    'signed deep within': multipart(b'mixed', multipart(
        b'signed', multipart(b'mixed', TEXT + b'\r\n' + UMLAUTS, boundary=b'b3'), PLAIN, boundary=b'b2'), top=TOP),
    'of a type that allows none': multipart(b'mixed', b'Content-Type: message/partial\r\n\r\n' + UMLAUTS, top=TOP),
    'too deep': TOP + b''.join(b'Content-Type: multipart/mixed; boundary=x%d\r\n\r\n--x%d\r\n' % (i, i)
                               for i in range(20)) + TEXT + b'\r\n' + UMLAUTS,
    'an endless header': TOP + b'X: ' + b'x' * 1100000 + b'\r\n\r\n' + UMLAUTS,
    'too many parts': multipart(b'mixed', *[PLAIN] * 2001, TEXT + b'\r\n' + UMLAUTS, top=TOP),
}
IS = {
    'plain': TOP + PLAIN,
    'mixed': multipart(b'mixed', PLAIN, PLAIN, top=TOP),
    'empty': b'',
    'no body': TOP,
}


def convert(message, step=1000):
    said = subprocess.run([sys.argv[1], str(step)], input=message, check=True, stdout=subprocess.PIPE).stdout
    result, octets = said.split(b'\n', 1)
    return result.decode(), octets


def leaves(octets):
    found = []
    for part in email.message_from_bytes(octets, policy=email.policy.compat32).walk():
        if not part.is_multipart():
            found.append((part.get_content_type(), part.get_payload(decode=True)))
    return found


class Sevenbit(unittest.TestCase):
    def same(self, before, after):
        self.assertTrue(after.isascii(), after)
        self.assertLessEqual(max(map(len, after.split(b'\r\n'))), 998)
        self.assertNotIn(b'8bit', after)
        mine, theirs = leaves(after), leaves(before)
        self.assertEqual([kind for kind, _ in mine], [kind for kind, _ in theirs])
        for (_, a), (_, b) in zip(mine, theirs):
            # Only text that ended without a line end got one.
            self.assertIn(a, (b, b + b'\r\n'))

    def test_possible(self):
        for name, message in POSSIBLE.items():
            for step in (1, 7, 1000, 1 << 20):
                with self.subTest(name, step=step):
                    result, octets = convert(message, step)
                    self.assertEqual(result, 'possible')
                    self.same(message, octets)

    def test_impossible(self):
        for name, message in IMPOSSIBLE.items():
            with self.subTest(name):
                self.assertEqual(convert(message)[0], 'impossible')

    def test_is(self):
        for name, message in IS.items():
            with self.subTest(name):
                self.assertEqual(convert(message), ('is', b''))

    def test_no_mime(self):
        _, octets = convert(b'From: a@x.test\r\n\r\n\xe4\xf6 x x x x x x\r\n')
        message = email.message_from_bytes(octets)
        self.assertEqual(message['MIME-Version'], '1.0')
        self.assertEqual(message.get_content_charset(), 'unknown-8bit')
        self.assertEqual(message.get_payload(decode=True), b'\xe4\xf6 x x x x x x\r\n')

    def test_header(self):
        _, octets = convert('Subject: Grüße\r\n\r\nx\r\n'.encode())
        message = email.message_from_bytes(octets, policy=email.policy.default)
        self.assertTrue(octets.isascii())
        self.assertEqual(message['Subject'], 'Grüße')

    def test_name_of_a_file(self):
        """In raw octets, as many programs write it: whoever gets it in 7 bits has the same name."""
        name = 'Prüfung; "Teil 1" ' + 'ä' * 60 + '.pdf'
        raw = name.replace('"', '\\"')
        head = f'Content-Type: application/pdf; name="{raw}"\r\nContent-Disposition: attachment; filename="{raw}"\r\n'
        _, octets = convert(TOP + head.encode() + b'\r\nx\r\n')
        self.assertTrue(octets.isascii())
        message = email.message_from_bytes(octets, policy=email.policy.default)
        self.assertEqual(message.get_filename(), name)
        self.assertEqual(message['Content-Type'].params['name'], name)

    def test_said_to_be_encoded(self):
        _, octets = convert(TOP + b'Content-Transfer-Encoding: quoted-printable\r\n\r\na=C3=BC\xc3\xbc=\r\nb\r\n')
        self.assertEqual(email.message_from_bytes(octets).get_payload(decode=True), b'a\xc3\xbc\xc3\xbcb\r\n')
        _, octets = convert(TOP + b'Content-Transfer-Encoding: base64\r\n\r\nYW\xffJj\r\n')
        self.assertEqual(email.message_from_bytes(octets).get_payload(decode=True), b'abc')

    def test_random(self):
        chance = random.Random(6152)
        pieces = [b'--b1', b'--b2', b'--b1--', b'--b2--', b'\r\n', b'\r\n\r\n', b'\xc3\xbc', b'x', b' ', b'\r', b'\n',
                  b'Content-Type: multipart/mixed; boundary=b2\r\n', b'Content-Type: message/rfc822\r\n', TEXT]
        for _ in range(300):
            message = multipart(b'mixed', b''.join(chance.choice(pieces) for _ in range(chance.randrange(40))), top=TOP)
            result, octets = convert(message, chance.choice((1, 3, 1000)))
            if result == 'possible':
                self.assertTrue(octets.isascii(), (message, octets))
                self.assertEqual(convert(octets)[0], 'is', (message, octets))


unittest.main(argv=sys.argv[:1])
