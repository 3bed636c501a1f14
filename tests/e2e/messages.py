"""Messages that break careless code."""

import random
from email.message import EmailMessage

HEADER = (b'From: Ann <ann@example.test>\r\nTo: Bob <bob@example.test>\r\n'
          b'Date: Sun, 22 Nov 2026 03:00:00 +0000\r\nMessage-ID: <%s@example.test>\r\n'
          b'Subject: %s\r\n')


def header(subject):
    tag = b'%016x' % random.getrandbits(64)
    return HEADER % (tag, subject.encode('utf-8'))


def plain(body, subject='plain'):
    return header(subject) + b'\r\n' + body


def attachments():
    m = EmailMessage()
    m['From'] = 'Ann <ann@example.test>'
    m['To'] = 'Bob <bob@example.test>'
    m['Subject'] = 'Grüße mit Anhängen'
    m['Date'] = 'Sun, 22 Nov 2026 03:00:00 +0000'
    m['Message-ID'] = f'<{random.getrandbits(64):x}@example.test>'
    m.set_content('Zwölf Boxkämpfer\n.\n..\n.dotted\n', cte='8bit')
    m.add_attachment(random.Random(1).randbytes(70000), maintype='application',
                     subtype='octet-stream', filename='noise.bin')
    m.add_attachment('a,b\r\n1,2\r\n', subtype='csv', filename='täble.csv')
    from email.policy import SMTP
    return m.as_bytes(policy=SMTP.clone(cte_type='8bit'))


def shapes():
    """(name, message) pairs; each is in wire form."""
    return [
        ('text', plain(b'Hello.\r\n')),
        ('attachments', attachments()),
        ('8-bit', plain('Übergröße ÿ\r\n'.encode('latin-1'), 'octets')),
        ('UTF-8', plain('naïve café — 日本語\r\n'.encode())),
        ('dots', plain(b'.\r\n..\r\n...\r\n.a\r\n\r\n.\r\n.\r\n')),
        ('one dot', plain(b'.\r\n')),
        ('empty body', header('empty') + b'\r\n'),
        ('no blank line', header('headers only')),
        ('long line', plain(b'x' * 998 + b'\r\n' + b'.' * 998 + b'\r\n')),
        ('blank lines', plain(b'\r\n' * 500)),
        ('tabs and spaces', plain(b' \t \r\n\t\r\n trailing  \r\n')),
        ('From_ line', plain(b'From me to you\r\n>From x\r\n')),
        ('large', plain(b''.join(b'%07d 0123456789 0123456789 0123456789\r\n' % i
                                 for i in range(20000)))),
    ]
