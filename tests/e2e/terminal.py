"""A terminal that a test types into and looks at: tmux, on a socket of its own."""

import os
import shutil
import subprocess
import tempfile

from office import Skip, wait_until


class Terminal:
    def __init__(self, columns=80, rows=24, environment=None):
        if shutil.which('tmux') is None:
            raise Skip('tmux is not installed')
        self.dir = tempfile.mkdtemp(prefix='restante-tmux-')
        self.size = columns, rows
        self.status = os.path.join(self.dir, 'status')
        self.environment = {'TZ': 'UTC', 'LC_ALL': 'C.UTF-8', 'PATH': os.environ['PATH'], 'HOME': self.dir,
                            'ASAN_OPTIONS': 'detect_leaks=0', **(environment or {})}

    def tmux(self, *words):
        done = subprocess.run(['tmux', '-u', '-f', '/dev/null', '-S', os.path.join(self.dir, 'socket'), *words],
                              env=self.environment, capture_output=True, timeout=20, check=False)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout.decode()

    def start(self, *command):
        columns, rows = self.size
        # What tmux itself tells of an exit status is not always there.
        self.tmux('new-session', '-d', '-x', str(columns), '-y', str(rows), 'sh', '-c', '"$@"; echo $? >"$0"',
                  self.status, *command, ';', 'set-option', '-g', 'remain-on-exit', 'on')

    def keys(self, *keys):
        self.tmux('send-keys', *keys)

    def type(self, text):
        self.tmux('send-keys', '-l', text)

    def screen(self):
        return [line.rstrip() for line in self.tmux('capture-pane', '-p').split('\n')]

    def wait(self, text, seconds=20):
        """The screen, once this stands somewhere on it."""
        last = []

        def there():
            last[:] = self.screen()
            return any(text in line for line in last)
        try:
            wait_until(there, seconds, text)
        except AssertionError as error:
            raise AssertionError('%r is not on the screen:\n%s' % (text, '\n'.join(last))) from error
        return last

    def wait_not(self, text, seconds=20):
        wait_until(lambda: not any(text in line for line in self.screen()), seconds, f'without {text}')
        return self.screen()

    def ended(self, seconds=20):
        """The program's exit status, once it has one."""
        def status():
            try:
                with open(self.status, encoding='ascii') as f:
                    return f.read().strip()
            except FileNotFoundError:
                return ''
        return int(wait_until(status, seconds, 'the end'))

    def resize(self, columns, rows):
        self.tmux('resize-window', '-x', str(columns), '-y', str(rows))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(['tmux', '-S', os.path.join(self.dir, 'socket'), 'kill-server'], env=self.environment,
                       capture_output=True, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)
