"""The directory of mail providers; needs no server."""

import json
import os
import subprocess
import tempfile

from office import BIN, environment


def run(*words, env=None):
    return subprocess.run([BIN, *words], capture_output=True, timeout=60, check=False,
                          env={**environment(), **(env or {})})


def test_shows_what_it_knows(_):
    shown = json.loads(run('provider', 'show', 'someone@sina.com', '--json').stdout)
    assert shown['pop3'] == {'host': 'pop.sina.com', 'port': 995, 'tls': 'implicit'}, shown
    assert shown['login'] == ['app-password'], shown
    assert b'2013-08-19' in run('provider', 'show', 'yahoo.com.cn').stdout
    listed = json.loads(run('provider', 'list', '--json').stdout)
    assert {'gmail', 'qq', '163', 'sina'} <= {p['id'] for p in listed}
    unknown = run('provider', 'show', 'nobody.invalid')
    assert unknown.returncode == 69 and unknown.stderr.count(b'\n') == 1, unknown


def test_a_local_file_goes_first(_):
    with tempfile.TemporaryDirectory() as state:
        with open(os.path.join(state, 'providers.tsv'), 'w', encoding='ascii') as f:
            f.write('mine\tgmail.com\t\tpop.mine.test:110/starttls\t-\tlocalpart\tpassword\tlive\t\t\n')
        shown = json.loads(run('provider', 'show', 'gmail.com', '--json', '--state', state).stdout)
        assert shown['id'] == 'mine' and shown['smtp'] is None, shown
        with open(os.path.join(state, 'providers.tsv'), 'a', encoding='ascii') as f:
            f.write('broken line\n')
        wrong = run('provider', 'list', '--state', state)
        assert wrong.returncode == 78 and b'providers.tsv:2: ' in wrong.stderr, wrong
