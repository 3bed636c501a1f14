"""A POP3 server that does all as the RFCs want it, but for the defects that are switched on."""

import select
import socket
import ssl
import threading

from scripted_pop import Handler, Mail, ScriptedPop, swallow

TOO_LARGE = '-ERR there is no such message\r\n'


class StrictHandler(Handler):
    def setup(self):
        super().setup()
        self.user, self.inside, self.gone, self.locked = None, False, set(), False

    def finish(self):
        if self.locked:
            self.server.locked = False
        super().finish()

    def handle(self):
        s = self.server
        try:
            self.say(s.greeting)
            while True:
                line = self.line()
                words = line.decode('latin-1').split()
                s.log.append(' '.join(words))
                if len(line) > 255 or not words:
                    self.say('-ERR too long\r\n')
                elif self.command(words[0].upper(), words[1:]):
                    return
        except (OSError, EOFError):
            pass

    def line(self):
        """Unbuffered, so that nothing is swallowed before the handshake."""
        s, got = self.server, b''
        while not got.endswith(b'\n'):
            if 'impatient' in s.defects and self.inside and not select.select([self.connection], [], [], 1)[0]:
                self.say('* BYE\r\n' if 'bye' in s.defects else '')
                raise EOFError
            octet = self.connection.recv(1)
            if not octet:
                raise EOFError
            got += octet
        if 'eats-pipelined' in s.defects:
            swallow(self.connection)
        return got

    def say(self, data):
        data = data.encode('latin-1') if isinstance(data, str) else data
        self.connection.sendall(data)

    def capabilities(self):
        s = self.server
        rows = ['TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING', *s.announced]
        secure = not s.context or isinstance(self.connection, ssl.SSLSocket)
        if s.context and not secure:
            rows.append('STLS')
        if secure or 'user-without-tls' in s.defects:
            rows.append('USER')
        return [r for r in rows if r not in s.hidden]

    def command(self, verb, args):
        s = self.server
        if verb in s.answers:
            self.say(s.answers[verb])
        elif verb == 'CAPA':
            self.rows(self.capabilities())
        elif verb == 'NOOP' and self.inside:
            self.say('+OK\r\n')
        elif verb == 'QUIT':
            self.say('+OK bye\r\n' + ('* BYE shutting down\r\n' if 'bye' in s.defects else ''))
            if self.inside:
                s.mails = [m for n, m in enumerate(s.mails, 1) if n not in self.gone]
            return True
        elif not self.inside:
            self.authorization(verb, args)
        else:
            self.transaction(verb, args)
        return False

    def authorization(self, verb, args):
        s = self.server
        secure = not s.context or isinstance(self.connection, ssl.SSLSocket)
        if verb == 'STLS' and s.context and not secure:
            self.stls()
        elif verb == 'USER' and secure:
            self.user = args[0]
            known = 'is a valid mailbox' if 'confirms' in s.defects else 'send PASS'
            self.say(f'+OK {known}\r\n')
        elif verb == 'PASS' and self.user:
            self.log_in(args)
        else:
            self.say('-ERR not now\r\n')

    def stls(self):
        s = self.server
        self.say('+OK\r\n')
        rest = b''
        if self.connection.recv(1, socket.MSG_PEEK) != b'\x16':  # not a ClientHello
            if 'injection' not in s.defects:
                raise EOFError
            rest = self.line()
        self.connection = s.context.wrap_socket(self.connection, server_side=True)
        if rest:
            self.command(rest.decode().split()[0], [])

    def log_in(self, args):
        s = self.server
        if (self.user, args) != ('ann', ['secret']):
            self.say('-ERR no\r\n' if 'no-auth-code' in s.defects else '-ERR [AUTH] no\r\n')
        elif s.locked and 'no-lock' not in s.defects:
            self.say('-ERR locked\r\n' if 'no-in-use' in s.defects else '-ERR [IN-USE] locked\r\n')
        else:
            self.inside, s.locked = True, True
            self.locked = True
            self.say('+OK\r\n')

    def shown(self, defect):
        """(number, mail) of what is not marked."""
        s = self.server
        keep = defect in s.defects
        rows = [(n, m) for n, m in enumerate(s.mails[:s.visible], 1) if keep or n not in self.gone]
        if 'renumbers' in s.defects:
            rows = [(i, m) for i, (_, m) in enumerate(rows, 1)]
        return rows

    def chosen(self, word, defect):
        s = self.server
        n = int(word) if word.isdigit() else -1
        if n == 0 and 'zero-is-one' in s.defects:
            n = 1
        if not 1 <= n <= len(s.mails) or (n in self.gone and defect not in s.defects):
            return 0, None
        return n, s.mails[n - 1]

    def transaction(self, verb, args):
        s = self.server
        if verb == 'STAT':
            rows = [m for _, m in self.shown('stat-deleted')]
            self.say(f'+OK {len(rows)} {sum(len(m.octets) for m in rows)}\r\n')
        elif verb in ('LIST', 'UIDL'):
            self.listing(verb, args)
        elif verb in ('RETR', 'TOP'):
            self.message(verb, args)
        elif verb == 'DELE':
            n, _ = self.chosen(args[0], 'dele-twice')
            self.gone |= {n} - {0}
            self.say('+OK\r\n' if n else TOO_LARGE)
            if n and 'dele-at-once' in s.defects:
                s.mails[n - 1:n], self.gone = [], set()
        elif verb == 'RSET':
            self.gone = self.gone if 'rset' in s.defects else set()
            self.say('+OK\r\n')
        else:
            self.say('-ERR what?\r\n')

    def listing(self, verb, args):
        s = self.server
        value = (lambda m: s.list_size(m)) if verb == 'LIST' else (lambda m: m.uidl)
        if not args:
            self.rows(f'{n} {value(m)}' for n, m in self.shown(f'{verb.lower()}-deleted'))
            return
        n, m = self.chosen(args[0], f'{verb.lower()}-one-deleted')
        self.say(f'+OK {n} {value(m)}\r\n' if m else TOO_LARGE)

    def message(self, verb, args):
        s = self.server
        _, m = self.chosen(args[0], 'retr-deleted')
        if m is None:
            self.say(TOO_LARGE)
            return
        octets = m.octets
        head, _, rest = octets.partition(b'\r\n\r\n')
        if verb == 'TOP' and 'top-from-header' in s.defects:
            lines = octets.splitlines(True)
            octets = b''.join(lines[:int(args[1])] if int(args[1]) else lines)
        elif verb == 'TOP':
            octets = head + b'\r\n\r\n' + b''.join(rest.splitlines(True)[:int(args[1])])
        if 'bare-lf' in s.defects:
            octets = octets.replace(b'\r\n', b'\n')
        stuffed = octets if 'no-dots' in s.defects else octets.replace(b'\r\n.', b'\r\n..')
        self.say(b'+OK\r\n' + stuffed + b'.\r\n')


class StrictPop(ScriptedPop):
    def __init__(self, count=3, defects=(), tls=None, mails=None):
        super().__init__(mails or [Mail(f'm{i}', size=300) for i in range(count)])
        self.RequestHandlerClass = StrictHandler
        self.defects, self.announced, self.hidden = set(defects), [], set()
        self.locked, self.visible, self.context = False, None, None
        self.busy = threading.Semaphore(10)  # the check wants two sessions at once
        if tls is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
