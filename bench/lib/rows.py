"""The rows of the table: how each is measured, beside whom, and what is asked of it."""

import json
import select
import statistics
import subprocess
import time
from dataclasses import dataclass

from server import Trouble

KIB, MIB = 1024, 1024 * 1024
AROUND = 2  # lines of a listing that tell no message: +OK, and the dot


@dataclass
class Row:
    name: str
    title: str
    peer: str
    measure: callable
    args: dict
    unit: str = 'rate'       # the figure that is compared: see UNITS
    target: float = 0        # ours to the peer's: at least (rates), at most (times); or an absolute figure
    cpu: float = 0           # ours to the peer's at most
    limit: str = ''          # which limit of the machine it stands against: see limits.py
    clients: tuple = None    # no servers are compared but programs that fetch mail
    long: bool = False       # takes minutes: not in a short run


# unit: (text, more is better, compared with the peer)
UNITS = {
    'rate': ('/s', True, True),
    'mb_s': ('MB/s', True, True),
    'p50_ms': ('ms', False, True),
    'p99_ms': ('ms', False, True),
    'seconds': ('s', False, True),
    'kib': ('KiB', False, False),
}


def timed(server, args):
    """A run of the generator, with the CPU of the server until it has come to rest."""
    server.settle()
    before = server.group.cpu()
    result = server.bench.load(args)
    server.settle()
    result['cpu_s'] = server.group.cpu() - before
    if result['ops'] > 0:
        result['cpu_us'] = result['cpu_s'] / result['ops'] * 1e6
    return result


def deliver(server, size=KIB, connections=1, per_connection=1, seconds=4.0, tls='none', pipeline=1):
    bench = server.bench
    return timed(server, ['smtp', '--port', server.port('smtp'), '--tls', tls, '--size', size, '--connections',
                          connections, '--per-connection', per_connection, '--pipeline', pipeline,
                          '--seconds', seconds * bench.scale, '--name', 'u%u@bench.test', '--users', bench.users])


def relay(server, size=KIB, connections=20, per_connection=1, seconds=4.0, chunking=False, pipeline=1):
    """Accepted and handed on: until the next server has the last of them."""
    bench = server.bench
    command = [bench.generator, 'sink', '--port', str(bench.sink)] + ['--chunking'] * chunking
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sink:
        try:
            sink.stdout.readline()
            server.settle()
            before = server.group.cpu()
            result = bench.load(['smtp', '--port', server.port('smtp'), '--size', size, '--connections', connections,
                                 '--per-connection', per_connection, '--pipeline', pipeline,
                                 '--seconds', seconds * bench.scale, '--name', 'r%u@relay.test', '--users', 1000])
            if result['ops'] == 0:
                raise Trouble(f'{server.name} takes nothing: {result.get("first_error")}')
            sink.stdin.write(f'{result["ops"]}\n')
            sink.stdin.flush()
            if not select.select([sink.stdout], [], [], 120)[0]:
                raise Trouble(f'{server.name} does not hand on what it took')
            got = json.loads(sink.stdout.readline())
        finally:
            sink.kill()
    server.settle()
    result['cpu_s'] = server.group.cpu() - before
    result['cpu_us'] = result['cpu_s'] / result['ops'] * 1e6
    result['accepted'] = result['rate']
    result['rate'] = result['ops'] / (got['last'] - result['begin'])
    result['connections'] = got['connections']
    return result


def login_name(server):
    return 'u%u@bench.test' if server.name == 'restante' else 'u%u'


def session(server, connections=20, tls='none', seconds=3.0, cert=None):
    bench = server.bench
    if cert not in (None, server.kind):
        server.restart(cert)
    port = server.port('pop3s' if tls == 'implicit' else 'pop3')
    common = ['pop3', '--port', port, '--tls', tls, '--stat', '--connections', connections, '--name',
              login_name(server), '--users', bench.users]
    bench.load(common + ['--count', bench.users])  # every index is there
    return timed(server, common + ['--seconds', seconds * bench.scale])


def one_login(server, user, more, tls='none'):
    port = server.port('pop3s' if tls == 'implicit' else 'pop3')
    name = user + '@bench.test' if server.name == 'restante' else user
    return timed(server, ['pop3', '--port', port, '--tls', tls, '--count', 1, '--name', name] + more)


def drop_caches():
    subprocess.run(['sync'], check=True)
    with open('/proc/sys/vm/drop_caches', 'w', encoding='ascii') as f:
        f.write('3\n')


def listing(server, count=10000, first=False):
    user = f'big{count}'
    if first:
        server.unfilled(user)
        if server.name == 'restante':
            empty(server, user)
    server.fill(user, count, 2 * KIB)
    if not first:
        one_login(server, user, ['--uidl', '--list'])
    else:
        drop_caches()
        server.bench.load(['pop3', '--port', server.port('pop3'), '--count', 1, '--stat', '--name',
                           login_name(server)])  # its own pages were dropped too
    result = one_login(server, user, ['--uidl', '--list'])
    if result['lines'] != 2 * (count + AROUND):
        raise Trouble(f'{server.name} lists {result["lines"] / 2 - AROUND:g} messages instead of {count}')
    return result


def empty(server, user):
    port = server.port('pop3')
    reply = server.bench.load(['pop3', '--port', port, '--count', 1, '--name', user + '@bench.test', '--list'])
    count = reply['lines'] - AROUND
    if count > 0:
        reply = server.bench.load(['pop3', '--port', port, '--count', 1, '--name', user + '@bench.test', '--retr',
                                   count, '--dele', '--pipeline', 64], wait=600)
        if reply['errors'] > 0:
            raise Trouble(f'{server.name} keeps the messages of {user}: {reply["first_error"]}')


def retrieve(server, count=10000, size=10 * KIB, pipeline=16, tls='none'):
    user = f'retr{count}x{size}'
    server.fill(user, count, size)
    more = ['--retr', count, '--pipeline', pipeline]
    one_login(server, user, more, tls)
    result = one_login(server, user, more, tls)
    result['mb_s'] = result['octets'] / result['seconds'] / 1e6
    result['cpu_us'] = result['cpu_s'] / result['octets'] * 1e12  # for a megabyte
    return result


def delete(server, count=10000, size=10 * KIB):
    user = f'dele{count}'
    server.unfilled(user)
    server.fill(user, count, size)
    return one_login(server, user, ['--retr', count, '--dele', '--pipeline', 16])


def idle(server, connections=10000, tls='none'):
    """Sessions that are logged in and do nothing."""
    bench = server.bench
    port = server.port('pop3s' if tls == 'implicit' else 'pop3')
    connections = min(connections, bench.users)
    server.restart()
    server.settle()
    before = server.group.pss()
    args = ['pop3', '--port', port, '--tls', tls, '--count', connections, '--connections', connections, '--hold',
            '--name', login_name(server), '--users', bench.users]
    with subprocess.Popen([bench.generator] + [str(a) for a in args], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as p:
        result = json.loads(p.stdout.readline())
        server.settle()
        result['kib'] = (server.group.pss() - before) / max(1, result['ops'])
        result['processes'] = len(server.group.pids())
        p.stdin.close()
    time.sleep(1)
    return result


def at_rest(server):
    server.restart()
    server.settle()
    return {'kib': server.group.pss(), 'ops': 1, 'errors': 0, 'seconds': 0}


def queued(server, count=100000):
    """Memory with so many messages that cannot go on."""
    server.restart()
    server.settle()
    result = server.bench.load(['smtp', '--port', server.port('smtp'), '--connections', 20, '--per-connection', 1000,
                                '--count', int(count * server.bench.scale), '--name', 'q%u@queue.test', '--users',
                                1000], wait=900)
    server.settle()
    result['kib'] = server.group.pss()
    server.script('drop_queue')
    return result


def row(name, title, peer, measure, unit='rate', target=0, cpu=0, limit='', **args):
    return Row(name, title, peer, measure, args, unit, target, cpu, limit)


TUNED = 'dovecot-tuned'
QUEUED = 48 * KIB  # ceilings: doc/limits.md
ROWS = [
    row('rest', 'memory at rest, all processes', '', at_rest, 'kib', 24 * KIB),
    row('deliver-1k-1', 'delivery 1 KiB, 1 connection', 'postfix', deliver, target=5, cpu=1 / 20, limit='sync'),
    row('deliver-1k-20', 'delivery 1 KiB, 20 connections', 'postfix', deliver, target=12, cpu=1 / 20,
        limit='trips', connections=20),
    row('deliver-1k-100', 'delivery 1 KiB, 100 connections', 'postfix', deliver, target=12, cpu=1 / 20,
        limit='trips', connections=100),
    row('deliver-1k-50', 'delivery 1 KiB, 50 a connection, 20 connections', 'postfix', deliver, target=18,
        cpu=1 / 30, limit='trips50', connections=20, per_connection=50),
    row('deliver-1k-20-pipelined', 'delivery 1 KiB, 20 connections, RFC 2920', 'postfix', deliver, target=12,
        cpu=1 / 20, limit='group', connections=20, pipeline=2),
    row('deliver-1k-100-pipelined', 'delivery 1 KiB, 100 connections, RFC 2920', 'postfix', deliver, target=12,
        cpu=1 / 20, limit='group', connections=100, pipeline=2),
    row('deliver-10k-20', 'delivery 10 KiB, 20 connections', 'postfix', deliver, target=15, cpu=1 / 20,
        limit='trips', size=10 * KIB, connections=20),
    row('deliver-1m-20', 'delivery 1 MiB, 20 connections', 'postfix', deliver, target=3, cpu=1 / 8,
        limit='write', size=MIB, connections=20),
    row('latency-1', 'connect to 250, idle server, p50', 'postfix', deliver, 'p50_ms', 0.25, limit='latency',
        seconds=2.0),
    row('latency-100', 'connect to 250, 100 connections, p99', 'postfix', deliver, 'p99_ms', 0.1,
        limit='crowd', connections=100),
    row('relay-1k', 'accepted and relayed, 1 KiB, 20 connections', 'postfix', relay, target=15, cpu=1 / 20, limit='relay'),
    row('relay-10k', 'the same, 10 KiB', 'postfix', relay, target=15, cpu=1 / 20, limit='relay', size=10 * KIB),
    row('relay-1k-chunking', 'the same, 1 KiB, the next server takes CHUNKING', 'postfix', relay, target=15,
        cpu=1 / 20, limit='relay', chunking=True),
    row('relay-1k-pipelined', 'accepted and relayed, 1 KiB, 20 connections, RFC 2920', 'postfix', relay, target=15,
        cpu=1 / 20, limit='relay-group', pipeline=2),
    row('session', 'POP3 session, plain, 20 connections', TUNED, session, target=5, cpu=1 / 10, limit='login'),
    row('session-tls', 'POP3 session, full handshake', TUNED, session, target=2, cpu=1 / 3, limit='sign',
        tls='implicit'),
    row('session-tls-ec', 'the same, certificate P-256', TUNED, session, target=4, cpu=1 / 6, limit='sign-ec',
        tls='implicit', cert='ec'),
    row('list-10k', 'login, UIDL, LIST of 10 000', 'dovecot', listing, 'seconds', 0.25, limit='lines'),
    row('list-10k-first', 'the same, first time', 'dovecot', listing, 'seconds', 0.25 * 0.048 / 0.54,
        limit='lines', first=True),
    row('list-100k', 'login, UIDL, LIST of 100 000', 'dovecot', listing, 'seconds', 0.25, limit='lines',
        count=100000),
    row('list-100k-first', 'the same, first time', 'dovecot', listing, 'seconds', 0.25 * 0.323 / 6.9,
        limit='lines', count=100000, first=True),
    row('retr-10k', 'RETR of 10 000 x 10 KiB, 16 in flight', 'dovecot', retrieve, 'mb_s', 4, 1 / 4,
        limit='stream'),
    row('retr-10k-tls', 'the same, TLS', 'dovecot', retrieve, 'mb_s', 3, 1 / 4, limit='cipher', tls='implicit'),
    row('retr-10m', 'RETR of 100 x 10 MiB', 'dovecot', retrieve, 'mb_s', 4, 1 / 4, limit='stream', count=100,
        size=10 * MIB, pipeline=1),
    row('retr-10m-tls', 'the same, TLS', 'dovecot', retrieve, 'mb_s', 3, 1 / 4, limit='cipher', count=100,
        size=10 * MIB, pipeline=1, tls='implicit'),
    row('dele', 'RETR and DELE of 10 000 x 10 KiB, QUIT', 'dovecot', delete, 'seconds', 0.2, limit='dele'),
    row('queued', 'memory with 100 000 queued messages, all processes', '', queued, 'kib', QUEUED),
    row('idle', 'memory a connection, logged in, plain', '', idle, 'kib', 6),
    row('idle-tls', 'the same, TLS', '', idle, 'kib', 40, tls='implicit'),
    *(Row(name, title.format(f'{count:,}'.replace(',', ' ')), 'mpop', None, {'count': count, 'again': again},
          'seconds', 1, clients=('restante', 'mpop', 'fetchmail'), long=count > 10000)
      for count, short in ((10000, '10k'), (100000, '100k'))
      for name, title, again in ((f'fetch-{short}', 'fetch {} x 2 KiB from Dovecot', False),
                                 (f'fetch-{short}-again', 'the same again: nothing is new', True))),
]


@dataclass
class Curve:
    """How the cost grows: one measure at several sizes of the work, Restante alone."""
    name: str
    title: str
    axis: str
    unit: str
    measure: callable
    points: list  # (x, args)


def transfer(server, size=KIB):
    result = deliver(server, size=size, connections=4)
    result['mb_s'] = result['octets'] / result['seconds'] / 1e6 if result['seconds'] else None
    return result


def accounts(server, count, measure):
    with server.with_users(count):
        return measure(server, connections=20 if count >= 20 else 5)


SIZES = [KIB, 10 * KIB, 100 * KIB, MIB, 10 * MIB, 100 * MIB]
RETRIEVED = {KIB: 20000, 10 * KIB: 10000, 100 * KIB: 2000, MIB: 500, 10 * MIB: 100, 100 * MIB: 10}
CURVES = [
    Curve('curve-deliver', 'delivery 1 KiB', 'connections', 'rate', deliver,
          [(n, {'connections': n}) for n in (1, 10, 100)]),
    Curve('curve-session', 'POP3 sessions', 'connections', 'rate', session,
          [(n, {'connections': n}) for n in (1, 10, 100)]),
    Curve('curve-size', 'delivery, 4 connections', 'octets', 'mb_s', transfer,
          [(n, {'size': n}) for n in SIZES]),
    Curve('curve-retr', 'RETR, one connection', 'octets', 'mb_s', retrieve,
          [(n, {'size': n, 'count': RETRIEVED[n]}) for n in SIZES]),
    Curve('curve-list', 'login, UIDL, LIST', 'messages', 'seconds', listing,
          [(n, {'count': n}) for n in (1000, 10000, 100000, 1000000)]),
    Curve('curve-accounts', 'POP3 sessions', 'accounts', 'rate', accounts,
          [(n, {'count': n, 'measure': session}) for n in (10, 10000, 100000)]),
    Curve('curve-accounts-deliver', 'delivery 1 KiB, 20 connections', 'accounts', 'rate', accounts,
          [(n, {'count': n, 'measure': deliver}) for n in (10, 10000, 100000)]),
]


def median(runs, key):
    values = [r[key] for r in runs if r.get(key) is not None]
    return statistics.median(values) if values else None
