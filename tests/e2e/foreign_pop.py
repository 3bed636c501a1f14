"""POP3 servers of others, out of Debian's packages, which are not installed: each in a root of its own, laid over the
machine's (overlayfs), with processes of its own (PID namespace), on a port of the loopback.  Needs root."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from office import PASSWORD, Skip, wait_until
from peer import certificate
from world import unpacked

UID = 61555
MAIL_GID = 8

# One process a connection, as inetd does it; for servers that want that.
INETD = '''
import socket, subprocess, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', int(sys.argv[1])))
s.listen(50)
children = []
while True:
    c, _ = s.accept()
    children = [p for p in children if p.poll() is None]
    children.append(subprocess.Popen(sys.argv[2:], stdin=c, stdout=c, stderr=sys.stderr))
    c.close()
'''

# $1: where all lies, $2: the packages.  The tmpfs is needed, as an overlay may not lie within what it lies over.
ROOT = '''
set -e
cd "$1"
mount -t tmpfs none over
mkdir over/upper over/work over/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/over/upper,workdir=$1/over/work" over/root
for tree in $2; do # /lib and /sbin are links on the machine, and directories in packages
	tar -C "$tree" --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale -cf - . |
		tar -C over/root --keep-directory-symlink --no-same-owner -xf -
done
cp -a files/. over/root/
mount -t proc proc over/root/proc
mount -t tmpfs none over/root/dev
mknod -m 666 over/root/dev/null c 1 3
mknod -m 666 over/root/dev/zero c 1 5
mknod -m 666 over/root/dev/random c 1 8
mknod -m 666 over/root/dev/urandom c 1 9
mkdir -m 1777 over/root/dev/shm
exec chroot over/root /bin/sh /start
'''


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Foreign:
    """User ann with the password of all tests; mails: octets with CRLF."""
    packages = ()
    stls = True

    def __init__(self, mails=()):
        if os.geteuid() != 0:
            raise Skip('an overlay needs root')
        trees = [unpacked(p) for p in self.packages]
        self.address = '127.0.0.1'
        self.number = free_port()
        self.dir = tempfile.mkdtemp(prefix='restante-foreign.')
        for name in ('over', 'files'):
            os.mkdir(self.path(name))
        self.account()
        self.tls()
        self.prepare(list(mails))
        self.write('inetd.py', INETD)
        self.write('start', self.start())
        self.log = open(self.path('log'), 'wb')
        self.process = subprocess.Popen(
            ['unshare', '-m', '-p', '-f', '--kill-child', '--propagation', 'private', 'bash', '-c', ROOT, 'root',
             self.dir, ' '.join(trees)], stdout=self.log, stderr=self.log)
        try:
            wait_until(self.listens, 40, type(self).__name__)
        except AssertionError as why:
            with open(self.path('log'), encoding='utf-8', errors='replace') as f:
                text = f.read()[-1500:]
            self.close()
            if 'mount:' in text:
                raise Skip('no overlay can be mounted here') from None
            raise AssertionError(f'{why}: {text}') from None

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text, uid=0, gid=0, mode=0o644):
        path = self.path('files', name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        os.chown(path, uid, gid)

    def folder(self, name, uid=0, gid=0, mode=0o755):
        os.makedirs(self.path('files', name), exist_ok=True)
        os.chmod(self.path('files', name), mode)
        os.chown(self.path('files', name), uid, gid)

    def account(self):
        hashed = subprocess.run(['openssl', 'passwd', '-6', PASSWORD], check=True, capture_output=True,
                                text=True).stdout.strip()
        for name, row in (('passwd', f'ann:x:{UID}:{UID}::/home/ann:/bin/sh\n' + self.also()),
                          ('shadow', f'ann:{hashed}:19000:0:99999:7:::\n'), ('group', f'ann:x:{UID}:\n')):
            with open(f'/etc/{name}', encoding='utf-8') as f:
                self.write(f'etc/{name}', f.read() + row)
        self.folder('home/ann', UID, UID)

    def also(self):
        return ''

    def tls(self):
        both = b''
        for name, path in zip(('tls.pem', 'tls.key'), certificate(self.dir, ip=['127.0.0.1'])):
            with open(path, 'rb') as f:
                both += f.read()
            shutil.copy(path, self.path('files', name))
            os.chmod(self.path('files', name), 0o600 if name == 'tls.key' else 0o644)
        self.write('tls.both', both, mode=0o600)

    def mbox(self, mails):
        text = b''.join(b'From x@example.test Sun Nov 22 03:00:00 2026\n' + m.replace(b'\r\n', b'\n') + b'\n'
                        for m in mails)
        self.folder('var/mail', 0, MAIL_GID, 0o2775)
        self.write('var/mail/ann', text, UID, MAIL_GID, 0o660)

    def maildir(self, where, mails, uid=UID):
        for name in ('', 'new', 'cur', 'tmp'):
            self.folder(os.path.join(where, name), uid, uid, 0o700)
        for i, m in enumerate(mails):
            self.write(f'{where}/new/{1700000000 + i}.M{i}P1.x', m.replace(b'\r\n', b'\n'), uid, uid, 0o600)

    def prepare(self, mails):
        self.mbox(mails)

    def start(self):
        return f'exec {sys.executable} /inetd.py {self.number} {self.command()}\n'

    def command(self):
        raise NotImplementedError

    def listens(self):
        try:
            with socket.create_connection((self.address, self.number), timeout=20) as s:
                return s.recv(3) == b'+OK'
        except OSError:
            assert self.process.poll() is None
            return False

    def port(self, _):
        return self.number

    def close(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.dir)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


PAM = 'auth required pam_unix.so\naccount required pam_unix.so\n'


class Mailutils(Foreign):
    packages = ('mailutils-pop3d', 'mailutils-common', 'libmailutils9', 'libmu-dbm9', 'libkyotocabinet16v5', 'libgsasl18',
                'libdb5.3', 'libgdbm6', 'libldap-2.5-0', 'libmariadb3', 'libgssglue1', 'libntlm0', 'libwrap0', 'libidn12')

    def prepare(self, mails):
        super().prepare(mails)
        self.write('etc/pam.d/mu-pop3d', PAM)
        self.write('etc/mailutils.conf', 'mailbox { mail-spool /var/mail; };\ntls-mode ondemand;\n'
                   'tls { ssl-certificate-file /tls.pem; ssl-key-file /tls.key; };\n')

    def command(self):
        return '/usr/sbin/pop3d --inetd'


class Popa3d(Foreign):
    packages = ('popa3d',)
    stls = False

    def prepare(self, mails):
        super().prepare(mails)
        self.write('etc/pam.d/popa3d', PAM)
        self.folder('var/lib/popa3d')

    def also(self):
        return f'popa3d:x:{UID + 1}:65534::/var/lib/popa3d:/bin/false\n'

    def command(self):
        return '/usr/sbin/popa3d'


class Courier(Foreign):
    packages = ('courier-pop', 'courier-base', 'courier-authlib', 'courier-authdaemon', 'libcourier-unicode4', 'libidn12',
                'libltdl7', 'libgdbm6', 'libpcre3')

    def also(self):
        return f'courier:x:{UID + 1}:65534::/var/lib/courier:/bin/false\n'

    def prepare(self, mails):
        self.maildir('home/ann/Maildir', mails)
        self.write('etc/pam.d/pop3', PAM)
        os.chown(self.path('files', 'tls.both'), UID + 1, 0)

    def start(self):
        return ('mkdir -p /run/courier/authdaemon\nset -a\n. /etc/courier/authdaemonrc\n'
                'authmodulelist=authpam authmodulelistorig=authpam daemons=1\n'
                '/usr/lib/courier/courier-authlib/authdaemond &\n'
                'while [ ! -S /run/courier/authdaemon/socket ]; do sleep 0.1; done\n'
                '. /etc/courier/pop3d-ssl\n. /etc/courier/pop3d\nPOP3_STARTTLS=YES TLS_CERTFILE=/tls.both TLS_CACHEFILE= TLS_DHPARAMS=\n'
                'TCPREMOTEIP=127.0.0.1 TCPREMOTEPORT=1 TCPLOCALIP=127.0.0.1 TCPLOCALPORT=110\n'
                + super().start())

    def command(self):
        return '/usr/lib/courier/courier/courierpop3login /usr/lib/courier/courier/courierpop3d Maildir'


class Cyrus(Foreign):
    packages = ('cyrus-pop3d', 'cyrus-common', 'sasl2-bin', 'libclamav12', 'libical3', 'libpq5', 'libxapian30',
                'libzephyr4', 'libwrap0', 'libpcre3', 'libicu72', 'libxml2', 'libsasl2-modules-db', 'libldap-2.5-0',
                'libdb5.3')

    def also(self):
        return f'cyrus:x:{UID + 1}:{MAIL_GID}::/var/spool/cyrus:/bin/sh\n'

    def prepare(self, mails):
        for i, m in enumerate(mails):
            self.write(f'mails/{i:04}', m.replace(b'\r\n', b'\n'))
        self.write('etc/imapd.conf', CYRUS_IMAPD)
        os.chown(self.path('files', 'tls.key'), UID + 1, 0)
        self.write('etc/cyrus.conf', CYRUS.format(port=self.number))
        for name in ('var/lib/cyrus', 'var/spool/cyrus/mail', 'run/cyrus/socket', 'run/cyrus/lock', 'run/cyrus/proc'):
            self.folder(name, UID + 1, MAIL_GID, 0o755)

    def start(self):
        return (f'printf "{PASSWORD}" | saslpasswd2 -p -c -u localhost -f /etc/sasldb2 ann\nchown cyrus /etc/sasldb2\n'
                '/usr/lib/cyrus/bin/makedirs\n/usr/lib/cyrus/bin/master -D &\n'
                'while [ ! -S /run/cyrus/socket/lmtp ]; do sleep 0.1; done\n'
                f'for m in /mails/*; do setpriv --reuid=cyrus --regid={MAIL_GID} --clear-groups /usr/lib/cyrus/bin/deliver ann <$m || echo failed; done\n'
                'echo delivered\nwait\n')

    def listens(self):
        with open(self.path('log'), encoding='utf-8', errors='replace') as f:
            return 'delivered' in f.read() and super().listens()


class Dovecot(Foreign):
    """Installed, but with nothing of the machine's configuration."""

    def prepare(self, mails):
        if shutil.which('dovecot', path=os.environ.get('PATH', '') + ':/usr/sbin') is None:
            raise Skip('no dovecot')
        self.maildir('home/ann/Maildir', mails)
        self.write('etc/pam.d/dovecot', PAM)
        self.write('dovecot.conf', DOVECOT.format(port=self.number))

    def start(self):
        return 'mkdir -p /run/dovecot\nexec /usr/sbin/dovecot -F -c /dovecot.conf\n'


DOVECOT = """protocols = pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = </tls.pem
ssl_key = </tls.key
disable_plaintext_auth = no
log_path = /dev/null
mail_location = maildir:~/Maildir
first_valid_uid = 1
service pop3-login {{
  inet_listener pop3 {{
    port = {port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
passdb {{
  driver = pam
}}
userdb {{
  driver = passwd
}}
"""
CYRUS_IMAPD = """configdirectory: /var/lib/cyrus
defaultpartition: default
partition-default: /var/spool/cyrus/mail
servername: localhost
admins: cyrus
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: /etc/sasldb2
sasl_mech_list: PLAIN
tls_server_cert: /tls.pem
tls_server_key: /tls.key
autocreate_users: anyone
autocreate_post: yes
autocreate_quota: 0
lmtpsocket: /run/cyrus/socket/lmtp
idlesocket: /run/cyrus/socket/idle
notifysocket: /run/cyrus/socket/notify
mboxname_lockpath: /run/cyrus/lock
proc_path: /run/cyrus/proc
popminpoll: 0
poptimeout: 10
"""
CYRUS = """START {{
 recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -r"
}}
SERVICES {{
 pop3 cmd="/usr/lib/cyrus/bin/pop3d" listen="127.0.0.1:{port}" prefork=1
 lmtpunix cmd="/usr/lib/cyrus/bin/lmtpd" listen="/run/cyrus/socket/lmtp" prefork=0
}}
"""
