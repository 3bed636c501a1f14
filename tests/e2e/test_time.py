"""The wall clock steps by hours and years, stands still, and goes on: nothing expires early, nothing waits for it,
no name comes again."""

import contextlib
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import tempfile
import time

import messages
import peer
from office import BIN, Office, Skip, added, environment, wait_until
from scripted_pop import Mail, ScriptedPop

HERE = os.path.dirname(os.path.abspath(__file__))
HOUR, YEAR = 3600, 365 * 24 * 3600
STEPS = (3 * HOUR, -3 * HOUR, 10 * YEAR, -10 * YEAR)
CONFIG = """
edges = 1
queue_retry = "1s"
queue_lifetime = "2h"
queue_delay_notice = "1h"
expunged_keep = "1d"
route "far.test" {{
	relay = "127.0.0.1"
	port = {port}
}}
"""


class Clock:
    def __init__(self, folder):
        self.file, library = f'{folder}/clock', f'{folder}/clock.so'
        self.set()
        subprocess.run(['cc', '-O1', '-shared', '-fPIC', '-o', library, f'{HERE}/clock_step.c'], check=True)
        os.chmod(folder, 0o755)
        self.words = ['env', f'LD_PRELOAD={library}', f'CLOCK_STEP={self.file}']

    def set(self, step=0, still=0):
        with open(self.file, 'r+b' if os.path.exists(self.file) else 'w+b') as f:
            f.write(struct.pack('qqq', step, still, 0))

    def readings(self):
        with open(self.file, 'rb') as f:
            return struct.unpack('qqq', f.read())[2]


@contextlib.contextmanager
def stepped(config=''):
    """An office under a clock of the test's, and a next server that wants no mail yet."""
    if b'libasan' in subprocess.run(['ldd', BIN], capture_output=True, check=False).stdout:
        os.environ.setdefault('LSAN_OPTIONS', 'exitcode=0')
    with tempfile.TemporaryDirectory(prefix='restante-time-') as folder:
        clock = Clock(folder)
        if b'libasan' in subprocess.run(['ldd', BIN], capture_output=True, check=False).stdout:
            asan = subprocess.run(['cc', '-print-file-name=libasan.so'], capture_output=True, check=True)
            clock.words[1] = f'LD_PRELOAD={asan.stdout.decode().strip()}:{clock.words[1].partition("=")[2]}'
        with peer.Peer({'RCPT': '450 4.2.0 not yet'}) as far:
            office = Office(config=CONFIG.format(port=far.port) + config, before=clock.words)
            try:
                office.open()
                yield office, clock, far
                office.close()
            finally:
                office.destroy()


def subjects(office):
    return sorted(m.split(b'Subject: ')[1].split(b'\r\n')[0] for m in office.fetch(delete=False))


def uidls(office):
    p = office.pop()
    rows = p.uidl()[1]
    p.quit()  # or the maildrop is in use for a moment, and undelete finds it so
    return rows


def tried_again(far, seconds=15):
    before = len(far.said('RCPT'))
    wait_until(lambda: len(far.said('RCPT')) >= before + 2, seconds, 'what waits is tried again')


def test_certificates_expire(_):
    """Told on the day, by a server that nobody reloads."""
    with stepped() as (office, clock, _):
        for days, said in ((3645, 'tls/cert.pem expires 20'), (3660, 'tls/cert.pem expired 20')):
            assert said not in office.log_tail(1 << 20)
            clock.set(days * 86400)
            os.kill(wait_until(office.store_pid, 20, 'a store'), 9)  # or it looks within the hour
            wait_until(lambda: said in office.log_tail(1 << 20), 20, said)  # pylint: disable=cell-var-from-loop


def test_steps(_):
    with stepped() as (office, clock, far):
        office.deliver(messages.plain(b'kept\r\n', 'kept'))
        office.deliver(messages.plain(b'gone\r\n', 'gone'))
        p = office.pop()
        p.dele(2)
        p.quit()
        uidl = uidls(office)
        office.must('account', 'set', office.ann, '--retention-days', '30')
        with office.submit() as s:
            s.sendmail(office.ann, 'x@far.test', b'Subject: waits\r\n\r\nx\r\n')
        tried_again(far)
        for step in STEPS:
            clock.set(step)
            tried_again(far)
            assert clock.readings() > 0, 'the office does not read this clock'
            if abs(step) >= YEAR:
                # A new store process has the time of the old one, and begins with a sweep for retention.
                os.kill(office.store_pid(), 9)
                tried_again(far, 30)
                time.sleep(2.5)
            office.must('store', 'compact', '--now')
            assert subjects(office) == [b'kept'], (step, subjects(office))
            assert uidls(office) == uidl, step
        office.must('mailbox', 'undelete', office.ann, '--all')
        assert subjects(office) == [b'gone', b'kept'], 'what was deleted was kept too short'
        with far.lock:
            far.replies['RCPT'] = '250 2.1.5 ok'
        wait_until(lambda: far.messages, 15, 'it goes on')
        time.sleep(2)
        assert len(far.messages) == 1, far.messages


test_steps.seconds = 300


def greets(office, source):
    with socket.create_connection(('127.0.0.1', office.port('smtp')), timeout=60, source_address=(source, 0)) as s:
        try:
            return s.recv(100)
        except ConnectionResetError:
            return b''


def accepts(smtp, recipient):
    assert smtp.docmd('MAIL', 'FROM:<>')[0] == 250
    code = smtp.docmd('RCPT', f'TO:<{recipient}>')[0]
    assert smtp.docmd('RSET')[0] == 250
    return code


def test_sessions_bans_keys_and_srs(_):
    """What lives for some time does, whatever the wall clock says."""
    with stepped() as (office, clock, far):
        office.must('ban', 'add', '127.0.5.0/24')
        office.must('ban', 'add', '127.0.6.1', '--expires', '1d')
        office.must('dkim', 'new', 'example.test', '--selector', 'a')
        office.must('dkim', 'rotate', 'example.test', '--selector', 'b')
        keys = {k['selector']: k['state'] for k in office.json('dkim', 'list')}
        assert sorted(set(keys.values())) == ['prepared', 'signing'], keys
        office.must('alias', 'add', 'away@example.test', 'ann@far.test')
        with office.mx() as s:
            s.sendmail('x@elsewhere.test', 'away@example.test', b'Subject: on\r\n\r\nx\r\n')
        wait_until(lambda: far.said('MAIL'), 30, 'it is sent on')
        back = re.search('<(SRS0=[^>]+)>', str(far.said('MAIL')[0]))[1]
        pop = office.pop()
        with office.mx() as smtp:
            smtp.ehlo()
            assert accepts(smtp, back) == 250
            assert accepts(smtp, back.replace('elsewhere', 'other')) == 550, 'a made up one'
            for step in STEPS + (0,):
                clock.set(step)
                before = clock.readings()
                pop.noop()
                assert smtp.noop()[0] == 250, step
                assert accepts(smtp, back) == 250, step
                assert greets(office, '127.0.5.9') == greets(office, '127.0.6.1') == b'', step
                assert greets(office, '127.0.6.2').startswith(b'220'), step
                assert len(office.json('ban', 'list')) == 2, step
                assert {k['selector']: k['state'] for k in office.json('dkim', 'list')} == keys, step
                assert clock.readings() > before, 'the office does not read this clock'
        pop.quit()


def test_set_back_while_it_was_not_running(_):
    """What waits was told when to go by the clock as it was; it does not wait for that."""
    with stepped() as (office, clock, far):
        with office.submit() as s:
            s.sendmail(office.ann, 'x@far.test', b'Subject: waits\r\n\r\nx\r\n')
        tried_again(far)
        for step in (-HOUR, -5 * 24 * HOUR):
            office.stop()
            clock.set(step)
            office.start()
            tried_again(far)
            assert subjects(office) == [], 'nobody was told anything yet'


def test_a_clock_that_stands_still(_):
    with stepped() as (office, clock, _far):
        clock.set(still=int(time.time()))
        raw = [messages.plain(b'%d\r\n' % n, f'n{n}') for n in range(300)]
        with office.mx() as s:
            for r in raw:
                s.sendmail('x@elsewhere.test', office.ann, r)
        office.stop()
        office.start()
        with office.mx() as s:
            for r in raw:
                s.sendmail('x@elsewhere.test', office.ann, r)
        p = office.pop()
        uidls = [u.split()[1] for u in p.uidl()[1]]
        assert len(set(uidls)) == len(uidls) == 600
        for n in (1, 300, 301, 600):
            added(b''.join(line + b'\r\n' for line in p.retr(n)[1]), raw[(n - 1) % 300])
        p.quit()


@contextlib.contextmanager
def fetching(*words):
    """An office whose remote is a script, and `restante fetch` under the same clock; words: more of its settings."""
    with ScriptedPop([Mail('old')]) as provider, stepped(f"""
remote own {{
	pop3_host = "127.0.0.1"
	pop3_port = {provider.port('')}
	pop3_tls = none
	allow_cleartext = yes
	address = "ann@example.test"
	password_file = "secret"
	interval = 1s
	keep = days
	keep_days = 2
	{" ".join(words)}
}}
""") as (office, clock, _far):
        with open(office.path('secret'), 'w', encoding='ascii') as f:
            os.fchmod(f.fileno(), 0o600)
            f.write('secret\n')

        def fetch(deleted=0):
            name = f'n{len(provider.log)}'
            provider.mails.append(Mail(name))
            before = len(provider.mails)
            done = subprocess.run([*clock.words, BIN, 'fetch', '--json', '--state', office.state], timeout=120,
                                  capture_output=True, check=False, env=environment())
            assert done.returncode == 0, done
            row = json.loads(done.stdout)[0]
            assert (row['deleted'], len(provider.mails)) == (deleted, before - deleted), row
            return row['stored']

        assert fetch() == 2
        yield office, clock, provider, fetch


def fetched(office):
    return [m['subject'] for m in office.json('list')]


def test_fetch_beside_the_office(_):
    """What was fetched stays on the server for as long as was said, whatever the clock says to a fetch that begins."""
    with fetching() as (office, clock, provider, fetch):
        for step in STEPS + (0,):
            clock.set(step)
            before = clock.readings()
            assert fetch() == 1 and fetch() == 1, step
            assert clock.readings() > before, 'fetch does not read this clock'
        assert len(set(fetched(office))) == len(fetched(office)) == len(provider.mails)


def test_fetch_alone(_):
    """Without an office that runs, too; and what is over is over."""
    with fetching() as (office, clock, provider, fetch):
        office.stop()
        for step in (3 * HOUR, -3 * HOUR, -3 * 24 * HOUR, 0):
            clock.set(step)
            assert fetch() == 1, step
        clock.set(3 * 24 * HOUR)
        assert fetch(deleted=len(provider.mails)) == 1
        assert len(provider.mails) == 1
        assert fetch() == 1
        office.start()
        assert len(set(fetched(office))) == len(fetched(office)) == 8


def test_fetch_into_a_maildir(_):
    """On a clock that stands still, too."""
    with tempfile.TemporaryDirectory() as folder, \
            fetching(f'delivery = "maildir:{folder}/mail"') as (_office, clock, provider, fetch):
        now = int(time.time())
        for step, still in ((0, now), (0, now), (10 * YEAR, 0), (-10 * YEAR, now), (0, 0)):
            clock.set(step, still)
            assert fetch() == 1, (step, still)
        names = os.listdir(f'{folder}/mail/new')
        assert len(names) == len(provider.mails) == 7, names
        assert os.listdir(f'{folder}/mail/tmp') == []


def test_fetch_goes_on(_):
    """The one that fetches by itself keeps its interval."""
    with fetching() as (office, clock, provider, _fetch):
        with subprocess.Popen([*clock.words, BIN, 'fetch', '--daemon', '--state', office.state], env=environment(),
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            try:
                for step in STEPS + (0,):
                    clock.set(step)
                    provider.mails.append(Mail(f's{step}'))
                    wait_until(lambda s=step: f's{s}' in fetched(office), 60, f'fetched at {step}')
                assert len(set(fetched(office))) == len(fetched(office)) == len(provider.mails) == 7
            finally:
                process.terminate()
            said = process.communicate()[1]
            assert process.returncode == 0, said


def handshake(office, context, session, step):
    """Of a POP3 session: was it resumed, and what the next one may resume by."""
    with socket.create_connection(('127.0.0.1', office.port('pop3s')), timeout=60) as s:
        with context.wrap_socket(s, server_hostname=f'mail.{office.domain}', session=session) as t:
            assert t.recv(200).startswith(b'+OK'), step
            t.sendall(b'QUIT\r\n')
            assert t.recv(200).startswith(b'+OK'), step
            return t.session_reused, t.session


def test_tickets_of_the_server(_):
    """One from before a step is resumed, or a whole handshake follows; one from after it is resumed."""
    with stepped() as (office, clock, _far):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = office.tls()
            context.maximum_version = version
            for step in STEPS + (0,):
                before = handshake(office, context, None, step)[1]
                clock.set(step)
                readings = clock.readings()
                handshake(office, context, before, step)
                after = handshake(office, context, None, step)[1]
                assert handshake(office, context, after, step)[0], (version, step)
                assert clock.readings() > readings, 'the office does not read this clock'
