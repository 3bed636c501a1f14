#!/usr/bin/env python3
"""Runs the end-to-end tests: one office (see office.py) for each test_*.py, each test_* function in
the order of the file.  Arguments: files (test_pop3.py) or tests (test_pop3.py:test_lock).

RESTANTE names the binary, KEEP=1 leaves the state directories behind."""

import importlib
import os
import shutil
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import office as office_module  # noqa: E402


class TooSlow(Exception):
    pass


def on_alarm(_signo, _frame):
    raise TooSlow('took too long')


def reason(error):
    """The failing line of the test itself, then what was raised."""
    here = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(HERE)
            and not f.filename.endswith('run.py')]
    where = ', '.join(f'{os.path.basename(f.filename)}:{f.lineno}' for f in here[-3:])
    text = str(error) or (here[-1].line if here else '')
    return f'{where}: {type(error).__name__}: {text[:1500]}'


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def run(self, name, call, seconds=120):
        started = time.monotonic()
        signal.signal(signal.SIGALRM, on_alarm)
        signal.alarm(seconds)
        try:
            call()
        except office_module.Skip as why:
            print(f'skip {name}: {why}', flush=True)
            return True
        except Exception as error:  # pylint: disable=broad-except
            self.failed += 1
            print(f'FAIL {name}: {reason(error)}', flush=True)
            return False
        finally:
            signal.alarm(0)
        self.passed += 1
        print(f'ok {name} ({time.monotonic() - started:.1f}s)', flush=True)
        return True


def run_file(tally, path, only):
    module = importlib.import_module(os.path.basename(path)[:-3])
    name = module.__name__
    tests = [(n, f) for n, f in vars(module).items() if n.startswith('test_') and callable(f)]
    tests = [(n, f) for n, f in tests if not only or n in only]
    office = office_module.Office(**getattr(module, 'OFFICE', {}))
    # A process that is killed on purpose is the test's own; whatever else goes wrong is found here.
    try:
        if not tally.run(f'{name}: the office opens', office.open):
            print(office.log_tail(), flush=True)
            return
        for test_name, test in tests:
            if not tally.run(f'{name}.{test_name[5:]}', lambda t=test: t(office),
                             getattr(test, 'seconds', 120)):
                office.revive()
        tally.run(f'{name}: the office closes', office.close)
    finally:
        office.destroy()
        if os.environ.get('KEEP'):
            print(f'kept {office.dir}')
        else:
            shutil.rmtree(office.dir, ignore_errors=True)


def main(arguments):
    wanted = {}
    for a in arguments:
        file, _, test = a.partition(':')
        wanted.setdefault(os.path.basename(file), set()).update([test] if test else [])
    files = sorted(f for f in os.listdir(HERE) if f.startswith('test_') and f.endswith('.py'))
    unknown = set(wanted) - set(files)
    if unknown:
        print(f'no such test file: {" ".join(sorted(unknown))}', file=sys.stderr)
        return 64
    # The proof of the main job comes first.
    files.sort(key=lambda f: (f != 'test_main.py', f))
    if not os.access(office_module.BIN, os.X_OK):
        print(f'{office_module.BIN} is not there: build first, or set RESTANTE', file=sys.stderr)
        return 66
    tally = Tally()
    for f in files:
        if not wanted or f in wanted:
            run_file(tally, f, wanted.get(f))
    print(f'{tally.passed} passed, {tally.failed} failed')
    return 1 if tally.failed or not tally.passed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
