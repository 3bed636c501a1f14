"""A POP3 server that does what it is told to do wrong."""

import socketserver
import threading
import time


class Mail:
    def __init__(self, name, uidl=None, size=0):
        self.uidl = uidl or f'u-{name}'
        self.octets = (f'Subject: {name}\r\nMessage-ID: <{name}@x>\r\n\r\n' + '.dot\r\n' + ('z' * 70 + '\r\n') *
                       (size // 72)).encode()


def swallow(connection):
    """Loses what came together with the command that was just read."""
    connection.settimeout(0.05)
    try:
        connection.recv(65536)
    except TimeoutError:
        pass
    connection.settimeout(None)


class Handler(socketserver.StreamRequestHandler):
    rbufsize = wbufsize = 0

    def say(self, data):
        server = self.server
        if isinstance(data, str):
            data = data.encode('latin-1')
        if server.cut_after is not None:
            data = data[:max(0, server.cut_after - server.sent)]
        self.wfile.write(data)
        server.sent += len(data)
        if server.cut_after is not None and server.sent >= server.cut_after:
            raise ConnectionError('cut')

    def rows(self, rows):
        self.say('+OK\r\n' + ''.join(f'{row}\r\n' for row in rows) + '.\r\n')

    def body(self, octets):
        self.say(b'+OK\r\n' + octets.replace(b'\r\n.', b'\r\n..') + b'.\r\n')

    def handle(self):
        try:
            self.say(self.server.greeting)
            for line in self.rfile:
                words = line.decode('latin-1').split()
                self.server.heard += len(line)
                if self.server.cut_heard is not None and self.server.heard > self.server.cut_heard:
                    return
                self.server.log.append(line.decode('latin-1').strip())
                if self.server.eats_pipelined:
                    swallow(self.connection)
                if self.command(words[0].upper(), words[1:]):
                    return
        except (ConnectionError, ValueError):
            pass

    def command(self, verb, args):
        s = self.server
        if verb in s.answers:
            self.say(s.answers[verb])
        elif verb == 'CAPA':
            self.rows(s.capabilities)
        elif verb in ('USER', 'PASS', 'NOOP'):
            self.say('+OK\r\n')
        elif verb == 'LIST':
            self.rows(f'{n} {s.list_size(m)}' for n, m in s.listing())
        elif verb == 'UIDL':
            self.rows(f'{n} {m.uidl}' for n, m in s.listing())
        elif verb == 'RETR':
            time.sleep(s.pause)
            self.body(s.mails[int(args[0]) - 1].octets)
        elif verb == 'TOP':
            head, _, rest = s.mails[int(args[0]) - 1].octets.partition(b'\r\n\r\n')
            lines = rest.split(b'\r\n')[:int(args[1])]
            self.body(head + b'\r\n\r\n' + b''.join(line + b'\r\n' for line in lines))
        elif verb == 'DELE':
            s.marked.add(int(args[0]))
            self.say('+OK\r\n')
        elif verb == 'QUIT':
            s.mails = [m for n, m in enumerate(s.mails, 1) if n not in s.marked]
            self.say('+OK\r\n')
            return True
        else:
            self.say('-ERR no\r\n')
        return False


class ScriptedPop(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, mails=()):
        super().__init__(('127.0.0.1', 0), Handler)
        self.mails = list(mails)
        self.capabilities = ['TOP', 'UIDL', 'USER', 'PIPELINING']
        self.answers, self.log, self.marked = {}, [], set()
        self.greeting = '+OK\r\n'
        self.cut_after, self.cut_heard, self.sent, self.heard = None, None, 0, 0
        self.busy = threading.Semaphore(1)
        self.pause = 0  # before a message
        self.clients = []  # their addresses
        self.eats_pipelined = self.backwards = False
        self.list_size = lambda m: len(m.octets)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def process_request(self, request, client_address):
        self.marked, self.sent, self.heard = set(), 0, 0
        self.clients.append(client_address[0])
        self.busy.acquire()  # one session after the other, as they share what is counted
        super().process_request(request, client_address)

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.busy.release()

    def settle(self):
        """The session that was has ended here too."""
        with self.busy:
            pass

    def handle_error(self, request, client_address):
        pass  # the client went away

    def listing(self):
        rows = list(enumerate(self.mails, 1))
        return rows[::-1] if self.backwards else rows

    def path(self, *_):
        return ''  # it has no certificate

    def port(self, _):
        return self.server_address[1]

    def said(self, verb):
        return [line for line in self.log if line.upper().startswith(verb)]

    def __exit__(self, *_):
        self.shutdown()
        time.sleep(0.01)
        self.server_close()
