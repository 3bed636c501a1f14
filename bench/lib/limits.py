"""What the machine can do at all, and what that means for a row: rates that no server here can pass."""

import json
import os
import re
import subprocess


def speed(*args):
    """The figures of the last line of openssl speed."""
    p = subprocess.run(['openssl', 'speed', '-seconds', '1', *args], stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, text=True, check=False)
    return [float(x) for x in re.findall(r'([0-9.]+)k?s?(?=\s|$)', p.stdout.strip().splitlines()[-1])]


def measure(bench):
    found = json.loads(subprocess.check_output([bench.limits, bench.dir], text=True))
    found['rsa_s'] = speed('rsa2048')[-2]
    found['p256_s'] = speed('ecdsap256')[-2]
    found['gcm_mb_s'] = speed('-evp', 'aes-256-gcm', '-bytes', '16384')[-1] / 1e3
    return found


# limit: (what it is, its figure from the machine's limits)
def _deliver(m, syncs, connects, trips):
    """One after the other: every trip and every sync is waited for."""
    return 1e6 / (syncs * m['sync_us'] + connects * m['connect_us'] + trips * m['trip_us'])


def _busy(m, connects, trips):
    """Many at once: both ends of every trip on all processors, and no wait for anything."""
    return (os.cpu_count() or 1) / 2 * 1e6 / (connects * m['connect_us'] + trips * m['trip_us'])


LIMITS = {
    'sync': ('a sync, a connection and 5 round trips', lambda m: _deliver(m, 1, 1, 5)),
    'latency': ('the same, in ms', lambda m: 1e3 / _deliver(m, 1, 1, 5)),
    'trips': ('a connection and 5 round trips, client and server on all processors', lambda m: _busy(m, 1, 5)),
    'group': ('a connection and 3 round trips, client and server on all processors', lambda m: _busy(m, 1, 3)),
    'relay-group': ('a connection and 6 round trips, two of them onward, both ends on all processors',
                    lambda m: _busy(m, 1, 6)),
    'trips50': ('4 round trips, client and server on all processors', lambda m: _busy(m, 0, 4)),
    'write': ('a MiB written and synced', lambda m: 1e6 / m['sync_mib_us']),
    'login': ('a connection and 4 round trips, client and server on all processors', lambda m: _busy(m, 1, 4)),
    'sign': ('a signature of the server on all processors',
             lambda m: (os.cpu_count() or 1) * m['rsa_s' if m['cert'] == 'rsa' else 'p256_s']),
    'sign-ec': ('a signature with P-256 on all processors', lambda m: (os.cpu_count() or 1) * m['p256_s']),
    'relay': ('a connection and 8 round trips, two of them onward, both ends on all processors', lambda m: _busy(m, 1, 8)),
    'crowd': ('100 of them on all processors: a connection and 5 round trips each, in ms',
              lambda m: 100e3 / _busy(m, 1, 5)),
    'lines': ('a connection, 6 round trips, and 45 octets a message sent', lambda m: m['connect_us'] / 1e6
              + 6 * m['trip_us'] / 1e6 + m['args'].get('count', 10000) * 45 / m['stream_mb_s'] / 1e6),
    'dele': ('the octets by sendfile, and a sync',
             lambda m: 10000 * 10240 / m['sendfile_mb_s'] / 1e6 + m['sync_us'] / 1e6),
    'stream': ('sendfile of a cached file', lambda m: m['sendfile_mb_s']),
    'cipher': ('AES-256-GCM alone, both ends on one processor each', lambda m: m['gcm_mb_s']),
}


def of(row, machine):
    """(what, figure) or None."""
    if row.limit not in LIMITS:
        return None
    what, figure = LIMITS[row.limit]
    return what, figure(dict(machine['limits'], cert=machine['cert'], args=row.args))
