"""Programs that fetch mail from a server: all of it, and then once more when nothing is new.  The server is Dovecot,
by TLS; the time and the CPU are the program's own."""

import os
import resource
import select
import shutil
import socket
import subprocess
import threading
import time

from server import SECRET, Server, Trouble

USER = 'fetch{count}'
REMOTE = '''
remote dovecot {{
	address = "{user}@bench.test"
	user = "{user}"
	pop3_host = "localhost"
	pop3_port = "{port}"
	password_file = "secret"
	ca_file = "{ca}"
}}
'''
MPOPRC = '''account default
host localhost
port {port}
tls on
tls_starttls off
tls_trust_file {ca}
auth user
user {user}
password {secret}
delivery maildir {home}/maildir
uidls_file {home}/uidls
keep on
'''
FETCHMAILRC = '''set idfile {home}/ids
poll localhost service {port} protocol pop3 uidl auth password username {user} password {secret}
  ssl sslcertck sslcertfile {ca} keep bsmtp {home}/mail
'''


class Relay(threading.Thread):
    """Between a client and the server; counts how often the client speaks after the server."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.to, self.trips = port, 0
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, socket.create_connection(('127.0.0.1', self.to)) as server:
                self.between(client, server)

    def between(self, client, server):
        last = server
        while True:
            for s in select.select([client, server], [], [])[0]:
                octets = s.recv(65536)
                if not octets:
                    return
                self.trips += s is client and last is server
                last = s
                (server if s is client else client).sendall(octets)


def write(path, text):
    with open(path, 'w', encoding='ascii', opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(text)


def prepare(bench, client, home, port, user):
    """The command that fetches; its settings are written."""
    facts = {'port': port, 'user': user, 'home': home, 'secret': SECRET, 'ca': bench.pem('cert', bench.kind)}
    if client == 'restante':
        state = os.path.join(home, 'state')
        if not os.path.exists(state):
            subprocess.run([bench.restante, 'init', '--state', state, '--domain', 'home.test', '--port-offset',
                            '28500'], check=True, stdout=subprocess.DEVNULL)
            write(os.path.join(state, 'secret'), SECRET + '\n')
        path = os.path.join(state, 'restante.conf')
        with open(path, encoding='utf-8') as f:
            text = f.read().split('\nremote dovecot')[0]
        write(path, text + REMOTE.format(**facts))
        return [bench.restante, 'fetch', '--state', state]
    if client == 'mpop':
        os.makedirs(os.path.join(home, 'maildir'), exist_ok=True)
        for part in ('cur', 'new', 'tmp'):
            os.makedirs(os.path.join(home, 'maildir', part), exist_ok=True)
        write(os.path.join(home, 'rc'), MPOPRC.format(**facts))
        return ['mpop', '-q', '-C', os.path.join(home, 'rc')]
    write(os.path.join(home, 'rc'), FETCHMAILRC.format(**facts))
    return ['fetchmail', '--silent', '--pidfile', os.path.join(home, 'pid'), '-f', os.path.join(home, 'rc')]


def timed(client, command):
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    try:
        p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                           text=True, check=False, timeout=1800)
    except subprocess.TimeoutExpired as e:
        raise Trouble(f'{client} did not end within half an hour') from e
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if p.returncode not in ((0, 1) if client == 'fetchmail' else (0,)):  # 1: nothing is new
        raise Trouble(f'{client}: {p.stdout.strip()[-300:]}')
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def one(bench, row, client, server):
    count, home = row.args['count'], os.path.join(bench.dir, 'fetching')
    user = USER.format(count=count)
    port = server.port('pop3s')
    shutil.rmtree(home, ignore_errors=True)
    os.mkdir(home)
    seconds, cpu = timed(client, prepare(bench, client, home, port, user))
    result = {'seconds': seconds, 'cpu_us': cpu / count * 1e6, 'ops': count, 'errors': 0}
    if row.args['again']:
        seconds, cpu = timed(client, prepare(bench, client, home, port, user))
        relay = Relay(port)
        timed(client, prepare(bench, client, home, relay.port, user))
        relay.listener.close()
        result.update(seconds=seconds, cpu_us=cpu / count * 1e6, trips=relay.trips)
    shutil.rmtree(home)
    return result


def measure(bench, row, runs, versions):
    found = {}
    with Server('dovecot-tuned', bench) as server:
        versions.setdefault('dovecot-tuned', server.version)
        server.fill(USER.format(count=row.args['count']), row.args['count'], 2048)
        for client in row.clients:
            if client != 'restante' and shutil.which(client) is None:
                print(f'-- {client}: not installed: apt-get install {client}', flush=True)
                continue
            try:
                found[client] = [one(bench, row, client, server) for _ in range(runs)]
            except Trouble as e:
                print(f'-- {e}', flush=True)
                continue
            for result in found[client]:
                print(time.strftime('%H:%M:%S'), client, row.name,
                      {k: round(result[k], 3) for k in ('seconds', 'cpu_us', 'trips') if k in result}, flush=True)
    return found
