#!/usr/bin/env python3
"""Reads the reports of show_report as a mail client would: with Python's email package.
Usage: check_report.py SHOW_REPORT"""

import email
import email.policy
import subprocess
import sys
import unittest


def report(case):
    octets = subprocess.run([sys.argv[1], case], check=True, stdout=subprocess.PIPE).stdout
    lines = octets.split(b'\r\n')
    assert all(b'\r' not in line and b'\n' not in line for line in lines), octets
    assert max(map(len, lines)) <= 998
    message = email.message_from_bytes(octets, policy=email.policy.SMTP.clone(utf8=True))
    assert not message.defects, message.defects
    parts = message.get_payload()
    assert len(parts) == 3, octets
    return message, parts


def fields(part, block):
    return part.get_payload()[block]


class Reports(unittest.TestCase):
    def test_failed(self):
        message, (words, status, original) = report('failed')
        self.assertEqual(message.get_content_type(), 'multipart/report')
        self.assertEqual(message.get_param('report-type'), 'delivery-status')
        self.assertEqual(message['Auto-Submitted'], 'auto-replied')
        self.assertEqual(message['From'].addresses[0].addr_spec, 'MAILER-DAEMON@mail.ours.test')
        self.assertEqual(message['To'].addresses[0].addr_spec, 'alice@ours.test')
        self.assertEqual(message['Date'].datetime.timestamp(), 1000000100)
        self.assertRegex(message['Message-ID'], r'^<[0-9A-Z]{26}@mail\.ours\.test>$')
        text = words.get_content()
        self.assertIn('<bob@example.net>', text)
        self.assertIn('There is no such mailbox', text)
        self.assertIn('mx.example.net[192.0.2.1] said: 550 5.1.1 <bob@example.net>: no such user', text)
        self.assertEqual(status.get_content_type(), 'message/delivery-status')
        whole = fields(status, 0)
        self.assertEqual(whole['Original-Envelope-Id'], 'QQ+314159')
        self.assertEqual(whole['Reporting-MTA'], 'dns; mail.ours.test')
        self.assertEqual(whole['Arrival-Date'], 'Sun, 9 Sep 2001 01:46:39 +0000')
        one = fields(status, 1)
        self.assertEqual(one['Original-Recipient'], 'rfc822; robert+x@example.org')
        self.assertEqual(one['Final-Recipient'], 'rfc822; bob@example.net')
        self.assertEqual((one['Action'], one['Status']), ('failed', '5.1.1'))
        self.assertEqual(one['Remote-MTA'], 'dns; mx.example.net (192.0.2.1)')
        self.assertEqual(one['Diagnostic-Code'],
                         'smtp; 550 5.1.1 <bob@example.net>: no such user')
        self.assertEqual(original.get_content_type(), 'message/rfc822')
        self.assertEqual(original.get_payload(0)['Subject'], 'hello')
        self.assertEqual(original.get_payload(0).get_content().rstrip(), 'This is the body.')

    def test_header_only(self):
        for case in ('header', 'delayed'):
            _, (_, _, original) = report(case)
            self.assertEqual(original.get_content_type(), 'text/rfc822-headers')
            self.assertIn('Subject: hello', original.get_payload())
            self.assertNotIn('body', original.get_payload())

    def test_delayed(self):
        message, (words, status, _) = report('delayed')
        self.assertEqual(message['Subject'], 'Your message is delayed')
        self.assertIn('tried again until Thu, 13 Sep 2001 16:53:20', words.get_content())
        one = fields(status, 1)
        self.assertEqual((one['Action'], one['Status']), ('delayed', '4.0.0'))
        self.assertEqual(one['Will-Retry-Until'], 'Thu, 13 Sep 2001 16:53:20 +0000')
        self.assertEqual(one['Diagnostic-Code'], 'x-restante; connection timed out')
        self.assertIsNone(one['Remote-MTA'])

    def test_given_up(self):
        """A host that was never reached has said nothing; class 4 says that a later try may work (RFC 3463 2)."""
        _, (words, status, _) = report('given-up')
        one = fields(status, 1)
        self.assertEqual((one['Action'], one['Status']), ('failed', '4.4.7'))
        self.assertEqual(one['Diagnostic-Code'], 'x-restante; connection refused')
        self.assertIsNone(one['Remote-MTA'])
        self.assertNotIn('said', words.get_content())
        self.assertIn('mx.example.net[192.0.2.1]: connection refused', words.get_content())
        self.assertIn('Send it again later', words.get_content())

    def test_what_is_to_be_done(self):
        """What is advised follows from who said it, and whether it is said for good."""
        advice = 'does not accept this mail'
        for case, there, missing in (('greylisted', 'You need not do anything', advice),
                                     ('greylisted-to-the-end', 'tried for as long', advice),
                                     ('refused-here', 'this server sends no mail', advice)):
            _, (words, _, _) = report(case)
            self.assertIn(there, words.get_content(), case)
            self.assertNotIn(missing, words.get_content(), case)

    def test_mixed(self):
        _, (words, status, _) = report('mixed')
        self.assertEqual([fields(status, i)['Action'] for i in (1, 2, 3)],
                         ['failed', 'delayed', 'relayed'])
        text = words.get_content()
        places = [text.index(name) for name in ('bob@', 'carol@', 'dave@')]
        self.assertEqual(places, sorted(places))

    def test_nothing_breaks_out(self):
        message, (words, status, _) = report('evil')
        self.assertIsNone(message['Bcc'])
        self.assertEqual(len(status.get_payload()), 2)
        for block in status.get_payload():
            self.assertIsNone(block['Bcc'])
            self.assertIsNone(block['X'])
        one = fields(status, 1)
        self.assertEqual(one['Status'], '5.0.0')
        self.assertEqual(one['Original-Recipient'], 'rfc822; a Bcc: v@x.test')
        self.assertEqual(one['Remote-MTA'], 'dns; mx Bcc: victim@x.test')
        self.assertNotIn('\x1b', words.get_content())
        self.assertIn('?[31m???', one['Diagnostic-Code'])

    def test_endless(self):
        _, (_, status, _) = report('endless')
        self.assertLess(len(fields(status, 1)['Diagnostic-Code']), 600)

    def test_utf8(self):
        _, (words, status, original) = report('utf8')
        self.assertIn('<grün@bücher.example>', words.get_content())
        self.assertEqual(status.get_content_type(), 'message/global-delivery-status')
        self.assertIn('Final-Recipient: utf-8; grün@bücher.example', octets_of(status))
        self.assertIn('553 5.6.7 nein: grün', octets_of(status))
        self.assertEqual(original.get_content_type(), 'message/global')

    def test_utf8_for_a_reader_of_ascii(self):
        _, (words, status, original) = report('utf8-plain')
        self.assertTrue(words.get_content().isascii())
        self.assertEqual(fields(status, 1)['Final-Recipient'],
                         r'utf-8; gr\x{FC}n@b\x{FC}cher.example')
        self.assertEqual(original.get_content_type(), 'message/rfc822')


def octets_of(part):
    return part.as_bytes().decode('utf-8', 'surrogateescape')


unittest.main(argv=sys.argv[:1])
