"""A few of the runs of tests/crash/fetch."""

import os
import re
import subprocess

from office import BIN

SWEEP = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'crash', 'fetch')


def test_killed_at_a_call_and_cut_behind_an_octet(office):
    done = subprocess.run([SWEEP, '--seed', '20261122', '--kills', '4', '--cuts', '4'], capture_output=True, text=True,
                          check=False, timeout=280, env=os.environ | {'RESTANTE': BIN})
    found = re.search(r'(\d+) runs, (\d+) of them ended', done.stdout)
    assert done.returncode == 0 and found, done.stdout + done.stderr[-1500:]
    # Which call is the last of its name differs a little from run to run.
    assert found.group(1) == '8' and int(found.group(2)) >= 6, done.stdout


test_killed_at_a_call_and_cut_behind_an_octet.seconds = 300
