"""Mail servers on one wire: each in a network namespace of its own, and a DNS server with signed zones.
Other people's servers are Debian's, unpacked or run with a configuration of their own; nothing
outside the namespaces hears of them.  Needs root."""

import contextlib
import ctypes
import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time

from office import Office, Skip, wait_until

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
NET = '10.77.0'
DEBS = os.environ.get('RESTANTE_DEBS', '/var/cache/restante-tests')
EXIM_UID, SMTPD_UID, SMTPQ_UID, MAIL_UID = 62301, 62302, 62303, 62304


def need(*programs):
    if os.geteuid() != 0:
        raise Skip('network namespaces need root')
    for p in programs:
        if shutil.which(p, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin') is None:
            raise Skip(f'{p} is not installed')


def unpacked(package):
    """The tree of a Debian package that is not installed."""
    tree = os.path.join(DEBS, package)
    if not os.path.isdir(tree):
        os.makedirs(DEBS, exist_ok=True)
        try:
            subprocess.run(['apt-get', 'download', '-q', package], cwd=DEBS, check=True, capture_output=True,
                           timeout=60)
        except (OSError, subprocess.SubprocessError) as why:
            raise Skip(f'{package} cannot be downloaded') from why
        deb = glob.glob(os.path.join(DEBS, package + '_*.deb'))[0]
        subprocess.run(['dpkg', '-x', deb, tree + '.new'], check=True)
        os.rename(tree + '.new', tree)
    return tree


def ip(*words):
    subprocess.run(['ip', *words], check=True, capture_output=True)


class Host:
    """One machine: a namespace with one address."""

    def __init__(self, world, name, last):
        self.world, self.name = world, name
        self.address = f'{NET}.{last}'
        self.ns = f'{world.prefix}-{name}'
        self.dir = os.path.join(world.dir, name)
        os.mkdir(self.dir)
        ip('netns', 'add', self.ns)
        ip('link', 'add', f'v{last}', 'netns', world.wire, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', self.ns)
        ip('-n', world.wire, 'link', 'set', f'v{last}', 'master', 'br0', 'up')
        ip('-n', self.ns, 'link', 'set', 'lo', 'up')
        ip('-n', self.ns, 'addr', 'add', self.address + '/24', 'dev', 'eth0')
        ip('-n', self.ns, 'link', 'set', 'eth0', 'up')
        ip('-n', self.ns, 'addr', 'add', f'fd77::{last}/64', 'dev', 'eth0', 'nodad')

    def also(self, last):
        """One more address."""
        ip('-n', self.ns, 'addr', 'add', f'{NET}.{last}/24', 'dev', 'eth0')
        ip('-n', self.ns, 'addr', 'add', f'fd77::{last}/64', 'dev', 'eth0', 'nodad')
        return f'{NET}.{last}'

    @contextlib.contextmanager
    def inside(self):
        """Sockets that this thread makes are that machine's."""
        with open('/proc/thread-self/ns/net', encoding='ascii') as back, \
                open(f'/run/netns/{self.ns}', encoding='ascii') as to:
            assert LIBC.setns(to.fileno(), CLONE_NEWNET) == 0
            try:
                yield self
            finally:
                assert LIBC.setns(back.fileno(), CLONE_NEWNET) == 0

    def exec(self):
        return ['ip', 'netns', 'exec', self.ns]

    def spawn(self, script, **env):
        """Runs a server in mounts of its own, in the foreground."""
        log = open(os.path.join(self.dir, 'out'), 'ab')  # pylint: disable=consider-using-with
        mounts = f'set -e; mount --bind {self.world.dir}/resolv.conf /etc/resolv.conf\n'
        p = subprocess.Popen([*self.exec(), 'unshare', '-m', '--propagation', 'private', 'bash', '-c', mounts + script],
                             stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                             env=dict(os.environ, D=self.dir, PATH=os.environ['PATH'] + ':/usr/sbin:/sbin', **env))
        self.world.processes.append(p)
        return p

    def said(self):
        with open(os.path.join(self.dir, 'out'), encoding='utf-8', errors='replace') as f:
            return f.read()[-3000:]

    def wait_port(self, port=25, seconds=20):
        def there():
            with self.inside(), contextlib.suppress(OSError):
                socket.create_connection((self.address, port), timeout=1).close()
                return True
            return False
        try:
            wait_until(there, seconds, f'{self.name} serves')
        except AssertionError as why:
            raise AssertionError(f'{why}\n{self.said()}') from why

    def mail(self):
        """What its local users have got, in maildirs below $D/mail."""
        found = []
        for path in sorted(glob.glob(f'{self.dir}/mail/**/new/*', recursive=True)):
            with open(path, 'rb') as f:
                found.append(f.read())
        return found


class World:
    def __init__(self):
        need('ip', 'nsd', 'ldns-signzone', 'ldns-keygen')
        self.prefix = f'rw{os.getpid()}'
        self.dir = tempfile.mkdtemp(prefix='restante-world-')
        os.chmod(self.dir, 0o755)
        self.processes, self.hosts, self.offices, self.zones = [], {}, [], {}
        self.wire = self.prefix + '-wire'
        ip('netns', 'add', self.wire)
        ip('-n', self.wire, 'link', 'add', 'br0', 'type', 'bridge')
        ip('-n', self.wire, 'link', 'set', 'br0', 'up')
        self.dns = self.host('dns', 1)
        with open(f'{self.dir}/resolv.conf', 'w', encoding='ascii') as f:
            f.write(f'nameserver {self.dns.address}\n')

    def host(self, name, last):
        self.hosts[name] = Host(self, name, last)
        return self.hosts[name]

    def zone(self, name, rows, signed=True):
        """rows: lines of a zone file, relative to its name."""
        self.zones[name] = (rows, signed)

    @property
    def anchors(self):
        return os.path.join(self.dns.dir, 'anchors')

    def start_dns(self):
        d, conf = self.dns.dir, []
        with open(self.anchors, 'w', encoding='ascii') as anchors:
            for name, (rows, signed) in self.zones.items():
                file = f'{d}/{name}.zone'
                with open(file, 'w', encoding='ascii') as f:
                    f.write(f'$ORIGIN {name}.\n$TTL 5\n@ IN SOA ns hostmaster {int(time.time())} 3600 900 604800 5\n'
                            f'@ IN NS ns\nns IN A {self.dns.address}\n' + '\n'.join(rows) + '\n')
                if signed:
                    key = subprocess.run(['ldns-keygen', '-r', '/dev/urandom', '-a', 'ECDSAP256SHA256', '-k', name], cwd=d,
                                         check=True, capture_output=True, text=True).stdout.strip()
                    subprocess.run(['ldns-signzone', '-n', file, key], cwd=d, check=True, capture_output=True)
                    file += '.signed'
                    with open(f'{d}/{key}.ds', encoding='ascii') as f:
                        anchors.write(f.read())
                conf.append(f'zone:\n  name: {name}\n  zonefile: {file}\n')
        with open(f'{d}/nsd.conf', 'w', encoding='ascii') as f:
            f.write(f'server:\n  ip-address: {self.dns.address}\n  server-count: 1\n  username: ""\n  chroot: ""\n'
                    f'  zonesdir: "{d}"\n  database: ""\n  pidfile: "{d}/nsd.pid"\n  xfrdfile: "{d}/xfrd"\n'
                    f'  zonelistfile: "{d}/zone.list"\n  xfrdir: "{d}"\n  rrl-ratelimit: 0\n'
                    'remote-control:\n  control-enable: no\n' + ''.join(conf))
        self.dns.spawn('exec nsd -d -c $D/nsd.conf')
        self.dns.wait_port(53)

    def office(self, name, last, domain, config='', accounts=('ann', 'bob')):
        host = self.host(name, last)
        office = Office(accounts=[f'{a}@{domain}' for a in accounts], domain=domain, offset=0, before=host.exec(),
                        config=f'dns_resolver = "{self.dns.address}"\ndnssec_trust_anchor = "{self.anchors}"\n'
                               f'queue_retry = "1s"\nqueue_lifetime = 60s\n{config}')
        office.host = host
        self.offices.append(office)
        return office

    def close(self):
        for o in self.offices:
            if o.process is not None:
                with contextlib.suppress(AssertionError):
                    o.stop()
            o.destroy()
            if not os.environ.get('KEEP'):
                shutil.rmtree(o.dir, ignore_errors=True)
        for p in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(p.pid, 15)
        for p in self.processes:
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, 9)
                p.wait(5)
        for h in self.hosts.values():
            # Whoever left the group of processes it was started in still is in the namespace.
            for pid in subprocess.run(['ip', 'netns', 'pids', h.ns], capture_output=True, text=True,
                                      check=False).stdout.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), 9)
            ip('netns', 'del', h.ns)
        ip('netns', 'del', self.wire)
        if not os.environ.get('KEEP'):
            shutil.rmtree(self.dir, ignore_errors=True)


def users(host, *rows):
    """passwd and group of the mount namespace: (name, number)."""
    for file, tail in (('passwd', '{0}:x:{1}:{1}::/nonexistent:/bin/sh'), ('group', '{0}:x:{1}:')):
        with open(f'/etc/{file}', encoding='utf-8') as f:
            text = f.read().rstrip('\n') + '\n'
        with open(f'{host.dir}/{file}', 'w', encoding='utf-8') as f:
            f.write(text + ''.join(tail.format(*r) + '\n' for r in rows))
    return ''.join(f'mount --bind $D/{f} /etc/{f}\n' for f in ('passwd', 'group'))


def postfix(host, domain, user, tls, extra=''):
    need('postfix')
    d = host.dir
    for folder in ('etc', 'queue', 'data', 'mail'):
        os.mkdir(f'{d}/{folder}')
    os.chown(f'{d}/mail', MAIL_UID, MAIL_UID)
    shutil.chown(f'{d}/data', 'postfix')
    with open(f'{d}/etc/mailboxes', 'w', encoding='ascii') as f:
        f.write(f'{user}@{domain} {user}/\n')
    shutil.copy('/usr/share/postfix/master.cf.dist', f'{d}/etc/master.cf')
    with open(f'{d}/etc/main.cf', 'w', encoding='ascii') as f:
        f.write(f'''compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/data
maillog_file = {d}/log
maillog_file_prefixes = {d}
myhostname = mail.{domain}
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = all
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {d}/mail
virtual_mailbox_maps = texthash:{d}/etc/mailboxes
virtual_uid_maps = static:{MAIL_UID}
virtual_gid_maps = static:{MAIL_UID}
smtpd_tls_cert_file = {tls[0]}
smtpd_tls_key_file = {tls[1]}
smtpd_tls_security_level = may
smtp_tls_security_level = may
minimal_backoff_time = 2s
maximal_backoff_time = 2s
queue_run_delay = 2s
{extra}
''')
    for words in (['-F', '*/*/chroot = n'], ['-M', 'postlog/unix-dgram=postlog unix-dgram n - n - 1 postlogd']):
        subprocess.run(['postconf', '-c', f'{d}/etc', *words], check=True, capture_output=True)
    host.spawn('exec postfix -c $D/etc start-fg')
    host.wait_port()


def exim(host, domain, user, tls):
    tree, d = unpacked('exim4-daemon-light'), host.dir
    for folder in ('spool', 'log', 'mail', 'lib/exim4', 'run'):
        os.makedirs(f'{d}/{folder}')
    for folder, uid in (('spool', EXIM_UID), ('log', EXIM_UID), ('mail', MAIL_UID)):
        os.chown(f'{d}/{folder}', uid, uid)
    for name in ('cert.pem', 'key.pem'):
        shutil.copy(tls[name == 'key.pem'], f'{d}/{name}')
        os.chown(f'{d}/{name}', EXIM_UID, EXIM_UID)
    with open(f'{d}/lib/exim4/config.autogenerated', 'w', encoding='ascii') as f:
        f.write(f'''exim_path = {tree}/usr/sbin/exim4
spool_directory = {d}/spool
log_file_path = {d}/log/%slog
primary_hostname = mail.{domain}
disable_ipv6 = true
tls_advertise_hosts = *
tls_certificate = {d}/cert.pem
tls_privatekey = {d}/key.pem
never_users = root
rfc1413_query_timeout = 0s
keep_environment =
begin acl
acl_rcpt:
  accept hosts = 127.0.0.0/8
  accept domains = {domain}
         local_parts = {user}
  deny
acl_data:
  accept
begin routers
dlv:
  driver = accept
  domains = {domain}
  local_parts = {user}
  transport = maildir
no:
  driver = redirect
  domains = {domain}
  data = :fail: no such user
  allow_fail
out:
  driver = dnslookup
  transport = remote
begin transports
remote:
  driver = smtp
maildir:
  driver = appendfile
  maildir_format
  directory = {d}/mail/{user}
  create_directory
  user = {MAIL_UID}
  group = {MAIL_UID}
begin retry
* * F,2h,3s
begin rewrite
begin authenticators
'''.replace('keep_environment =\n', 'keep_environment =\nacl_smtp_rcpt = acl_rcpt\nacl_smtp_data = acl_data\n'))
    script = users(host, ('Debian-exim', EXIM_UID))
    host.spawn(script + f'''mount --bind $D/lib /var/lib; mount --bind $D/run /run
mkdir -p /run/exim4; chown {EXIM_UID}:{EXIM_UID} /run/exim4
exec {tree}/usr/sbin/exim4 -bdf -q3s''')
    host.wait_port()


def opensmtpd(host, domain, user, tls):
    tree, d = unpacked('opensmtpd'), host.dir
    for folder in ('spool/smtpd', 'run', 'lib/opensmtpd/empty', 'mail'):
        os.makedirs(f'{d}/{folder}')
    os.chmod(f'{d}/spool/smtpd', 0o711)
    os.chown(f'{d}/mail', MAIL_UID, MAIL_UID)
    for name in ('cert.pem', 'key.pem'):
        shutil.copy(tls[name == 'key.pem'], f'{d}/{name}')
        os.chmod(f'{d}/{name}', 0o600)
    with open(f'{d}/userbase', 'w', encoding='ascii') as f:
        f.write(f'{user} {MAIL_UID}:{MAIL_UID}:{d}/mail\n')
    with open(f'{d}/hosts', 'w', encoding='ascii') as f:
        f.write('127.0.0.1 localhost\n')
    with open(f'{d}/smtpd.conf', 'w', encoding='ascii') as f:
        f.write(f'''pki world cert "{d}/cert.pem"
pki world key "{d}/key.pem"
table ub file:{d}/userbase
queue ttl 1m
listen on 0.0.0.0 port 25 hostname mail.{domain} tls pki world
action "dlv" maildir "{d}/mail/{user}" userbase <ub>
action "out" relay helo mail.{domain}
match from any for domain "{domain}" action "dlv"
match from src 127.0.0.1 for any action "out"
''')
    script = users(host, ('opensmtpd', SMTPD_UID), ('opensmtpq', SMTPQ_UID), ('worldmail', MAIL_UID))
    host.spawn(script + f'''mount --bind $D/hosts /etc/hosts
mount --bind $D/spool /var/spool; mount --bind $D/run /run; mount --bind $D/lib /var/lib
mount --bind {tree}/usr/libexec /usr/libexec
exec {tree}/usr/sbin/smtpd -d -f $D/smtpd.conf''')
    host.wait_port()
