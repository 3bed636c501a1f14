"""Accounts, passwords, quotas, domains, application passwords, bans, tokens."""

import poplib
import smtplib

import messages
from office import PASSWORD

# `doveadm -O pw -s SCHEME -p 'correct horse'`, Dovecot 2.3.19.1 (Debian 12).
HASHES = {
    'plain': '{PLAIN}correct horse',
    'ssha256': '{SSHA256}uPZbXB4O0yEAdT8vKiweZcMcbkuF+i8fjZCx5avVHh1J+t3O',
    'sha512crypt': '{SHA512-CRYPT}$6$l2/dSZ/vklfbhTJA$TVUaf.PI60mkfO1whIZt4JHCcQTO.VhZt6R9dKsr3XY45'
                   'zGnJi.Z2pigibqh5UA8os/bPXr9Hcw2HzIylQo7Q.',
    'bcrypt': '{BLF-CRYPT}$2y$05$vnhrdegZEZvMOwOPIVSXBOWShfsSplrq3tpjIzuOMmaJVmZeWzYEe',
    'argon2id': '{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$hK1o4ENQTx6c6C+p6cldHA$csbeBt9mNeL8WP/aUb'
                'TiNpMc7pCSb0NONV6t/lenbys',
    'scram': '{SCRAM-SHA-256}4096,TaK05eNKTuOsNg4Ec98TNw==,RmEp4C/sLcyZ7SR2LkgVwd1G/HnsSrDe5r77W3Yp'
             'xq0=,z6VGXT8sHDlXrey1frrj7ooBXeeIZVG0yM0B4n8vBtM=',
    'crypt': '{CRYPT}$2y$05$eq.l4UiqOVUy6lWGY56E/uCBTAJzF/j.4D0/JwLtqEETSeKTKj1T.',
}


def logs_in(office, user, password):
    try:
        office.pop(user, password).quit()
        return True
    except poplib.error_proto:
        return False


def submits(office, user, password):
    try:
        office.submit(user, password).quit()
        return True
    except smtplib.SMTPAuthenticationError:
        return False


def test_hashes_of_other_servers(office):
    for name, text in HASHES.items():
        user = name + '@example.test'
        office.must('account', 'add', user, '--hash', text)
        assert not logs_in(office, user, 'wrong'), name
        assert logs_in(office, user, 'correct horse'), name
        # The second login finds what the first one made of it.
        assert submits(office, user, 'correct horse'), name
    office.must('account', 'passwd', 'ann@example.test', '--hash', HASHES['ssha256'])
    assert not logs_in(office, 'ann@example.test', PASSWORD)
    assert logs_in(office, 'ann@example.test', 'correct horse')
    office.must('account', 'passwd', 'ann@example.test', '--password-stdin',
                stdin=PASSWORD.encode() + b'\n')
    assert logs_in(office, 'ann@example.test', PASSWORD)


def test_schemes_by_name(office):
    for i, scheme in enumerate(('PLAIN', 'SHA512-CRYPT', '{SCRAM-SHA-256}', 'argon2id')):
        user = f'scheme{i}@example.test'
        office.must('account', 'add', user, '--hash', scheme, '--password-stdin',
                    stdin=b'open sesame\n')
        assert logs_in(office, user, 'open sesame'), scheme
    for words in (('--hash', 'ROT13', '--password-stdin'), ('--hash', '{SHA256}x'),
                  ('--hash', HASHES['crypt'], '--password-stdin')):
        done = office.run('account', 'add', 'no@example.test', *words, stdin=b'x\n')
        assert done.returncode == 64 and done.stdout == b'' and done.stderr, (words, done)
