"""Wrong passwords, five thousand a second, from many addresses and for names that are and are not there.  Right ones
still get in: the one that was right lately at once, another one after at most one hash for each network that guesses.
The passwords are hashed with argon2id: most of the wrong ones must be turned away unhashed."""

import contextlib
import os
import subprocess
import tempfile
import time

from load import PASSWORD, in_time, login, office

RATE = 5000
NETWORKS = 90  # /16
GUESS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'guess.c')


class Guesser:
    """guess.c at work; made: guesses, answers, connections that were refused or fell."""

    def __init__(self, program, port):
        self.made, self.took = None, 0
        self.started = time.monotonic()
        self.process = subprocess.Popen([program, str(port), str(RATE), str(NETWORKS)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop(self):
        said = self.process.communicate()[0]
        self.made = [int(n) for n in said.split()]
        self.took = time.monotonic() - self.started


@contextlib.contextmanager
def guessing(port):
    with tempfile.TemporaryDirectory(prefix='restante-guess-') as d:
        program = os.path.join(d, 'guess')
        subprocess.run(['cc', '-O2', '-D_GNU_SOURCE', '-o', program, GUESS], check=True)
        guesser = Guesser(program, port)
        try:
            yield guesser
        finally:
            guesser.stop()


def hashes(o):
    with open(o.log, encoding='utf-8') as f:
        return sum('why=credentials' in line for line in f)


def main(seconds):
    with office('cleartext_auth = yes\nlog_level = "info"\n', base='') as o:
        o.add_account('bob@example.test')
        for _ in range(3):
            login(o, 'ann@example.test')
        with guessing(o.port('pop3')) as guesser:
            started, worst = time.monotonic(), 0
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
        guesses, answers, refused = guesser.made
        print(f'{guesses / guesser.took:.0f} wrong passwords/s, {answers / guesser.took:.0f} answered, '
              f'{refused / guesser.took:.0f} hung up on: a known right one {worst * 1000:.0f} ms, a new one '
              f'{fresh * 1000:.0f} ms, behind {ahead} hashes')
        assert guesses > 100 * guesser.took
        assert ahead < NETWORKS + 20, ahead
