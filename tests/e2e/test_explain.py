"""restante explain rcpt says what a session is told."""

OFFICE = {'accounts': ('ann@example.test', 'bob@example.test', 'off@example.test'),
          'config': """carriers = 0
drop_characters = ". -"
route "backup.test" { backup_mx = yes recipients = "list@backup.test" }
route "smart.test" { relay = "192.0.2.9" port = 2525 retry = "90s, 1h" lifetime = 2d delay_notice = off }
"""}


def explain(office, sender, to, *more):
    rows = office.json('explain', 'rcpt', '--from', sender, '--to', to, '--ip', '127.0.0.1', *more)
    assert rows[-1]['step'] == 'decision', rows
    return rows


def told(office, sender, to, user=None):
    """What a session is told."""
    with (office.submit(user) if user else office.mx()) as s:
        s.ehlo()
        code, text = s.mail(sender)
        if code == 250:
            code, text = s.rcpt(to)
    return f'{code} {text.decode()}'


def test_the_same_as_a_session(office):
    office.must('alias', 'add', 'team@example.test', 'ann@example.test', 'u@else.test')
    office.must('account', 'disable', 'off@example.test')
    for sender, to, user in (('x@y.test', 'ann@example.test', None),
                             ('x@y.test', 'team@example.test', None),
                             ('x@y.test', 'nobody@example.test', None),
                             ('x@y.test', 'off@example.test', None),
                             ('x@y.test', 'u@else.test', None),
                             ('x@y.test', 'SRS0=aaaa=bb=else.test=u@example.test', None),
                             ('x@y.test', 'list@backup.test', None),
                             ('x@y.test', 'other@backup.test', None),
                             ('ann@example.test', 'u@else.test', 'ann@example.test'),
                             ('bob@example.test', 'u@else.test', 'ann@example.test')):
        rows = explain(office, sender, to, *(['--auth', user] if user else []))
        assert rows[-1]['result'].split()[:2] == told(office, sender, to, user).split()[:2], (to, rows)
        assert rows[-1]['rule'], rows


def test_which_way(office):
    rows = explain(office, 'ann@example.test', 'u@smart.test', '--auth', 'ann@example.test')
    routes = [r for r in rows if r['step'] == 'route']
    assert [(r['result'], r['rule']) for r in routes] == [
        ('relay:[192.0.2.9]:2525', 'u@smart.test: route "smart.test"')], routes
    rows = explain(office, 'ann@example.test', 'u@else.test', '--auth', 'ann@example.test')
    assert any(r['result'] == 'mx:else.test' for r in rows), rows


def test_dropped_characters(office):
    """With the words of an address left out that need not be there: a session takes it, and explain says why."""
    office.must('account', 'add', 'j-d@example.test', '--password-stdin', stdin=b'long enough 1\n')
    for to, name in (('a.n-n@example.test', 'ann@example.test'), ('A.nn.+shop@Example.test', 'ann@example.test'),
                     ('j-d@example.test', None), ('ann+x@example.test', 'ann@example.test'),
                     ('b_ob@example.test', None), ('jd@example.test', None)):
        rows = explain(office, 'x@y.test', to)
        names = [r['result'] for r in rows if r['step'] == 'name']
        assert names == ([name] if name else []), (to, rows)
        assert rows[-1]['result'].split()[:2] == told(office, 'x@y.test', to).split()[:2], (to, rows)
    assert explain(office, 'x@y.test', 'b_ob@example.test')[-1]['result'].startswith('550 5.1.1')
    office.deliver(b'Subject: dotted\r\n\r\n', 'a.n.n@example.test')
    assert any(b'Subject: dotted' in m for m in office.fetch('ann@example.test'))


def test_when_it_is_tried_again(office):
    waits = {to: [(r['result'], r['rule']) for r in explain(office, 'ann@example.test', to, '--auth', 'ann@example.test')
                  if r['step'] == 'retry'] for to in ('u@smart.test', 'u@else.test')}
    assert waits == {
        'u@smart.test': [('90s, 1h', 'u@smart.test: given up after 2d, notice of the delay off')],
        'u@else.test': [('1m, 5m, 15m, 30m, 1h, 2h, 4h', 'u@else.test: given up after 5d, notice of the delay after 4h')]}, waits


def test_bans_and_quota(office):
    office.must('ban', 'add', '198.51.100.0/24')
    rows = office.json('explain', 'rcpt', '--from', '', '--to', 'ann@example.test', '--ip', '198.51.100.7')
    assert rows[-1]['result'] == 'closed' and 'ban' in rows[-1]['rule'], rows
    office.must('account', 'set', 'bob@example.test', '--quota-messages', '1')
    office.deliver(b'Subject: x\r\n\r\n', 'bob@example.test')
    rows = explain(office, 'x@y.test', 'bob@example.test')
    assert rows[-1]['result'].startswith('452 4.2.2') and rows[-1]['rule'] == 'quota', rows


def test_bad_requests(office):
    for words, code in ((['--to', 'a@b.test', '--ip', '127.0.0.1'], 64), (['--from', 'a@b', '--to', 'b@c', '--ip', 'x'], 64),
                        (['--from', 'a@b', '--to', 'b@c', '--ip', '::1', '--auth', 'none@example.test'], 67),
                        (['--from', 'a@b', '--to', 'b@c', '--ip', '::1', '--auth', 'off@example.test'], 64)):
        done = office.run('explain', 'rcpt', *words)
        assert done.returncode == code and done.stderr.count(b'\n') == 1, (words, done)
