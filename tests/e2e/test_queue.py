"""Mail for elsewhere, as far as the office itself decides: who may send it, how much, and when."""

import signal

from office import wait_until

OFFICE = {'config': """account_recipients_per_hour = 5
carriers = 0
route "backup.test" { backup_mx = yes recipients = "list@backup.test" }
route "open.test" { backup_mx = yes }
"""}


def submit(office, to, user='ann@example.test', options=(), body=b'Subject: x\r\n\r\ny\r\n'):
    with office.submit(user) as s:
        s.ehlo()
        code, text = s.mail(user, options)
        if code == 250:
            for one in to:
                code, text = s.rcpt(one)
                if code != 250:
                    break
        if code == 250:
            code, text = s.data(b'From: <' + user.encode() + b'>\r\nTo: <x@y.test>\r\n' + body)
        return code, text


def test_an_account_has_a_limit(office):
    assert submit(office, [f'u{i}@elsewhere.test' for i in range(5)])[0] == 250
    code, text = submit(office, ['u6@elsewhere.test'])
    assert code == 450 and text.startswith(b'4.7.28'), (code, text)
    assert submit(office, ['bob@example.test'])[0] == 250  # not for mail that stays
    assert submit(office, ['u6@elsewhere.test'], 'bob@example.test')[0] == 250  # nor for others


def test_the_limit_outlives_a_restart(office):
    office.stop()
    office.start()
    code, text = submit(office, ['u7@elsewhere.test'])
    assert code == 450 and text.startswith(b'4.7.28'), (code, text)
    assert submit(office, ['b1@elsewhere.test'], 'bob@example.test')[0] == 250


def test_backup_mx_takes_mail_of_strangers_for_its_recipients(office):
    for to, wanted in (('list@backup.test', '250'), ('other@backup.test', '550 5.1.1'),
                       ('any@open.test', '250'), ('any@sub.open.test', '550 5.7.1')):
        with office.wire('smtp') as w:
            w.reply()
            w.ask('EHLO client.test')
            w.ask('MAIL FROM:<x@stranger.test>')
            assert w.ask(f'RCPT TO:<{to}>').startswith(wanted), to


def test_what_submission_offers(office):
    with office.submit('bob@example.test') as s:
        s.ehlo()
        assert s.has_extn('requiretls') and s.has_extn('futurerelease')
        assert s.mail('bob@example.test', ['REQUIRETLS', 'HOLDFOR=60'])[0] == 250
        assert s.rcpt('u@elsewhere.test')[0] == 250
        s.rset()
        assert s.mail('bob@example.test', ['HOLDFOR=99999999'])[0] == 501
    with office.mx() as s:
        s.ehlo()
        assert not s.has_extn('futurerelease') and not s.has_extn('requiretls')


def test_little_room_on_the_disk(office):
    with open(office.path('restante.conf'), 'a', encoding='utf-8') as f:
        f.write('disk_free_min = 1024G\n')
    office.process.send_signal(signal.SIGHUP)
    wait_until(lambda: recipient(office).startswith('452 4.3.1'), 10, 'a refusal')


def recipient(office):
    with office.wire('smtp') as w:
        w.reply()
        w.ask('EHLO client.test')
        w.ask('MAIL FROM:<x@stranger.test>')
        return w.ask('RCPT TO:<ann@example.test>')
