"""A mail server that does as it is told: takes mail, refuses, dies in the middle, or talks nonsense."""

import base64
import contextlib
import http.server
import socket
import ssl
import subprocess
import threading
import time

CLOSE = object()   # hang up instead of a reply
SILENT = object()  # never reply


def certificate(folder, name='peer', hosts=('localhost',), days=30, ca=None, ip=()):
    """Makes a key and a certificate; (certificate, key).  ca: such a pair that signs it."""
    cert, key = f'{folder}/{name}.pem', f'{folder}/{name}.key'
    names = ','.join([f'DNS:{h}' for h in hosts] + [f'IP:{i}' for i in ip])
    start = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
             '-keyout', key, '-out', cert,
             '-days', str(days), '-subj', f'/CN={hosts[0]}']
    if ca is not None:
        start += ['-CA', ca[0], '-CAkey', ca[1], '-addext', 'basicConstraints=critical,CA:FALSE']
    subprocess.run(start + ['-addext', f'subjectAltName={names}'], check=True, capture_output=True)
    return cert, key


class Policies:
    """A web server with TLS: {host: text of its MTA-STS policy}; remembers who was asked for."""

    def __init__(self, texts, tls, address='127.0.0.1', port=443):
        self.asked = asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host = self.headers['Host'].split(':')[0]
                asked.append(host)
                body = texts.get(host, '').encode() if self.path == '/.well-known/mta-sts.txt' else b''
                self.send_response(200 if body else 404)
                self.send_header('Content-Type', 'text/plain')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        self.server = http.server.ThreadingHTTPServer((address, port), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Peer:
    """replies: {'greeting' | verb | '.': reply}, a reply being text, CLOSE, SILENT, octets to send as they
    are, a list (one for each use, the last one stays), or a function of (connection, line)."""

    def __init__(self, replies=None, address='127.0.0.1', port=0, tls=None, extensions=None, lmtp=False,
                 users=None, implicit=False):
        self.replies = dict(replies or {})
        self.uses = {}
        self.lmtp, self.users, self.implicit = lmtp, users or {}, implicit
        self.context = None
        if tls is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        self.extensions = ['PIPELINING', 'SIZE 50000000', '8BITMIME', 'ENHANCEDSTATUSCODES', 'DSN', 'SMTPUTF8',
                           'CHUNKING'] if extensions is None else extensions
        self.messages = []   # Message objects, in the order in which they were taken
        self.lines = []      # what clients said, verbs upper case
        self.clients = []    # their addresses
        self.connections = 0
        self.sizes = []      # messages of each connection that ended
        self.live = set()
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(128)
        self.address, self.port = address, self.listener.getsockname()[1]
        self.open = True
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while self.open:
            try:
                sock, client = self.listener.accept()
            except OSError:
                return
            self.clients.append(client[0])
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        c = Connection(self, sock)
        with self.lock:
            self.connections += 1
            self.live.add(c)
        with contextlib.suppress(OSError, ssl.SSLError, EOFError):
            c.run()
        with self.lock:
            self.sizes.append(c.count)
            self.live.discard(c)
        with contextlib.suppress(OSError):
            c.sock.close()

    def reply_for(self, key, fallback):
        with self.lock:
            value = self.replies.get(key, fallback)
            if isinstance(value, list):
                n = self.uses.get(key, 0)
                self.uses[key] = n + 1
                value = value[min(n, len(value) - 1)]
        return value

    def said(self, verb):
        with self.lock:
            return [line for line in self.lines if line.upper().startswith(verb)]

    def hang_up(self):
        with self.lock:
            for c in self.live:
                with contextlib.suppress(OSError):
                    c.sock.shutdown(socket.SHUT_RDWR)
        while self.live:
            time.sleep(0.01)

    def close(self):
        self.open = False
        self.hang_up()
        # A thread that waits in accept() keeps the port; shutdown wakes it.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Message:
    def __init__(self, sender, recipients, octets, connection):
        self.sender, self.recipients, self.octets = sender, recipients, octets
        self.tls, self.user, self.when = connection.tls, connection.user, time.monotonic()
        self.resumed = self.tls is not None and connection.sock.session_reused


class Connection:
    def __init__(self, peer, sock):
        self.peer, self.sock = peer, sock
        self.held, self.count = b'', 0
        self.sender, self.recipients, self.user, self.chunks = None, [], None, b''
        self.verbs = {'EHLO': self.hello, 'LHLO': self.hello, 'HELO': self.hello, 'MAIL': self.mail,
                      'RCPT': self.rcpt, 'DATA': self.data, 'BDAT': self.bdat, 'RSET': self.rset,
                      'STARTTLS': self.starttls, 'AUTH': self.auth}

    @property
    def tls(self):
        return self.sock.version() if isinstance(self.sock, ssl.SSLSocket) else None

    def read(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.held += data

    def line(self):
        while b'\n' not in self.held:
            self.read()
        line, self.held = self.held.split(b'\n', 1)
        return line.rstrip(b'\r').decode('utf-8', 'replace')

    def octets(self, n):
        while len(self.held) < n:
            self.read()
        data, self.held = self.held[:n], self.held[n:]
        return data

    def say(self, key, fallback, line=''):
        """Sends the reply for this key; its code."""
        value = self.peer.reply_for(key, fallback)
        if callable(value):
            value = value(self, line)
        if value is CLOSE:
            raise EOFError
        if value is SILENT:
            while True:
                self.read()
        if isinstance(value, bytes):
            self.sock.sendall(value)
            return value[:3].decode('ascii', 'replace')
        self.sock.sendall(value.encode() + b'\r\n')
        return value[:3]

    def run(self):
        if self.peer.implicit:
            self.sock = self.peer.context.wrap_socket(self.sock, server_side=True)
        if not self.say('greeting', '220 peer.test ESMTP').startswith('2'):
            return
        while True:
            line = self.line()
            verb = line.split(' ')[0].upper()
            with self.peer.lock:
                self.peer.lines.append(line)
            if verb == 'QUIT':
                self.say('QUIT', '221 2.0.0 bye')
                return
            if verb in self.verbs:
                self.verbs[verb](line)
            else:
                self.say(verb, '500 5.5.2 what?')

    def hello(self, line):
        words = list(self.peer.extensions)
        if self.peer.context is not None and self.tls is None:
            words.append('STARTTLS')
        if self.peer.users:
            words.append('AUTH PLAIN LOGIN')
        words.insert(0, 'peer.test')
        text = '\r\n'.join(f'250{"-" if i < len(words) - 1 else " "}{w}' for i, w in enumerate(words))
        self.say(line.split(' ')[0].upper(), text, line)

    def starttls(self, line):
        if self.say('STARTTLS', '220 2.0.0 go', line).startswith('2'):
            self.sock = self.peer.context.wrap_socket(self.sock, server_side=True)

    def auth(self, line):
        words = line.split(' ')
        if words[1].upper() == 'PLAIN':
            if len(words) < 3:
                self.sock.sendall(b'334 \r\n')
                words.append(self.line())
            user, password = base64.b64decode(words[2]).decode().split('\0')[1:]
        else:
            self.sock.sendall(b'334 VXNlcm5hbWU6\r\n')
            user = base64.b64decode(self.line()).decode()
            self.sock.sendall(b'334 UGFzc3dvcmQ6\r\n')
            password = base64.b64decode(self.line()).decode()
        good = self.peer.users.get(user) == password
        self.user = user if good else None
        self.say('AUTH', '235 2.7.0 welcome' if good else '535 5.7.8 wrong', line)

    def rset(self, line):
        self.sender, self.recipients, self.chunks = None, [], b''
        self.say('RSET', '250 2.0.0 ok', line)

    def mail(self, line):
        if self.peer.users and self.user is None:
            self.say('MAIL', '530 5.7.0 log in first', line)
            return
        self.recipients, self.chunks = [], b''
        self.sender = line[11:].split('>')[0] if self.say('MAIL', '250 2.1.0 ok', line)[0] == '2' else None

    def rcpt(self, line):
        if self.sender is None:
            self.say('', '503 5.5.1 no sender', line)
        elif self.say('RCPT', '250 2.1.5 ok', line)[0] == '2':
            self.recipients.append(line[9:].split('>')[0])

    def data(self, line):
        if not self.recipients:
            self.say('DATA', '503 5.5.1 no recipient', line)
            return
        if not self.say('DATA', '354 go on', line).startswith('3'):
            return
        while b'\r\n.\r\n' not in self.held and not self.held.startswith(b'.\r\n'):
            self.read()
        if self.held.startswith(b'.\r\n'):
            body, self.held = b'', self.held[3:]
        else:
            body, self.held = self.held.split(b'\r\n.\r\n', 1)
        body = b'\r\n'.join(x[1:] if x.startswith(b'.') else x for x in body.split(b'\r\n')) + b'\r\n'
        self.end(body)

    def bdat(self, line):
        words = line.upper().split(' ')
        self.chunks += self.octets(int(words[1]))
        if not self.recipients:
            self.say('', '503 5.5.1 no recipient', line)
            return
        if len(words) > 2:
            self.end(self.chunks)
        else:
            self.say('BDAT', '250 2.0.0 ok', line)

    def end(self, octets):
        """The octets have come; LMTP replies for each recipient (RFC 2033 4.2)."""
        taken = []
        for r in self.recipients if self.peer.lmtp else [None]:
            if self.say('.', '250 2.0.0 taken', r)[0] == '2':
                taken += [r] if self.peer.lmtp else self.recipients
        if taken:
            self.count += 1
            with self.peer.lock:
                self.peer.messages.append(Message(self.sender, taken, octets, self))
        self.sender, self.recipients, self.chunks = None, [], b''
