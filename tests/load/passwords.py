"""Wrong passwords, five thousand a second, from many addresses and for names that are and are not there.  Right ones
still get in: the one that was right lately at once, another one after at most one hash for each network that guesses.
The passwords are hashed with argon2id: most of the wrong ones must be turned away unhashed."""

import base64
import selectors
import threading
import time

from load import PASSWORD, connect, in_time, login, office

RATE = 5000
SOCKETS = 400
NETWORKS = 90  # /16


class Guesser(threading.Thread):
    """Keeps many connections busy; each guesses until it is thrown out."""

    def __init__(self, port):
        super().__init__()
        self.port, self.over, self.guesses, self.answers = port, False, 0, 0
        self.selector, self.n = selectors.DefaultSelector(), 0

    def open(self):
        self.n += 1
        s = connect(self.port, f'127.{1 + self.n % NETWORKS}.{self.n // NETWORKS % 250}.{1 + self.n % 250}')
        self.selector.register(s, selectors.EVENT_READ, None)

    def guess(self, s):
        name = b'ann@example.test' if self.n % 2 else b'nobody%d@example.test' % self.n
        try:
            s.send(b'AUTH PLAIN ' + base64.b64encode(b'\0' + name + b'\0wrong%d' % self.guesses) + b'\r\n')
            self.guesses += 1
        except OSError:
            pass

    def run(self):
        for _ in range(SOCKETS):
            self.open()
        started = time.monotonic()
        while not self.over:
            ahead = self.guesses - RATE * (time.monotonic() - started)
            if ahead > 0:
                time.sleep(ahead / RATE)
            for key, _ in self.selector.select(0.1):
                s = key.fileobj
                try:
                    said = s.recv(1000)
                except OSError:
                    said = b''
                self.answers += said.count(b'\r\n')
                # One guess a connection: who waits for the delay of the second guesses slower.
                if not said or said.startswith(b'-ERR'):
                    self.selector.unregister(s)
                    s.close()
                    self.open()
                else:
                    self.guess(s)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


def hashes(o):
    with open(o.log, encoding='utf-8') as f:
        return sum('why=credentials' in line for line in f)


def main(seconds):
    with office('cleartext_auth = yes\nlog_level = "info"\n', base='') as o:
        o.add_account('bob@example.test')
        for _ in range(3):
            login(o, 'ann@example.test')
        guesser = Guesser(o.port('pop3'))
        guesser.start()
        started, worst = time.monotonic(), 0
        try:
            time.sleep(2)
            while time.monotonic() - started < seconds:
                worst = max(worst, in_time(o, 'ann@example.test', 3, 3))
            # Never seen before: his password has to be hashed among all the others.  Time is counted in hashes.
            before, fresh = hashes(o), time.monotonic()
            with o.wire('pop3', timeout=180) as w:
                w.line()
                w.pop('USER bob@example.test')
                said = w.pop(f'PASS {PASSWORD}')
            assert said.startswith('+OK'), said
            fresh, ahead = time.monotonic() - fresh, hashes(o) - before
        finally:
            guesser.over = True
            guesser.join()
        took = time.monotonic() - started
        print(f'{guesser.guesses / took:.0f} wrong passwords/s: a known right one {worst * 1000:.0f} ms, a new one '
              f'{fresh * 1000:.0f} ms, behind {ahead} hashes')
        assert guesser.guesses > 100 * took
        assert ahead < NETWORKS + 20, ahead
