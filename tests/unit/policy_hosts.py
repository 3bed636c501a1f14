#!/usr/bin/env python3
"""policy_hosts.py DIR PORT [ADDRESS]: an HTTPS server that is many policy hosts, each with one thing wrong, told
apart by SNI.  DIR/ca.pem is there when it listens."""

import http.server
import os
import ssl
import subprocess
import sys

DIR, PORT = sys.argv[1], int(sys.argv[2])
ADDRESS = (sys.argv[3:] + ['127.0.0.1'])[0]
POLICY = 'version: STSv1\r\nmode: enforce\r\nmx: mx.%s\r\nmax_age: 86400\r\n'
# domain: the days its certificate is valid, and for which name it is (None: its own)
HOSTS = {'good.test': (9, None), 'plain.test': (9, None), 'html.test': (9, None), 'gone.test': (9, None),
         'moved.test': (9, None), 'big.test': (9, None), 'endless.test': (9, None), 'bad.test': (9, None),
         'other.test': (9, 'mta-sts.good.test'), 'late.test': (-1, None), 'own.test': (9, None),
         'cut.test': (9, None), 'fields.test': (9, None), 'localhost': (9, None)}


def openssl(*args):
    subprocess.run(['openssl', *args], cwd=DIR, check=True, stderr=subprocess.DEVNULL)


def make_ca(name):
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '9',
            '-subj', '/CN=' + name, '-keyout', name + '.key', '-out', name + '.crt')


def context(domain, days, name):
    name = name or 'mta-sts.' + domain
    authority = 'another' if domain == 'own.test' else 'authority'
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=x',
            '-addext', 'subjectAltName=DNS:' + name, '-keyout', domain + '.key', '-out', domain + '.csr')
    openssl('x509', '-req', '-in', domain + '.csr', '-CA', authority + '.crt', '-CAkey', authority + '.key',
            '-days', str(days), '-copy_extensions', 'copy', '-out', domain + '.crt')
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(f'{DIR}/{domain}.crt', f'{DIR}/{domain}.key')
    return made


class Handler(http.server.BaseHTTPRequestHandler):
    def reply(self, code, kind, body, **headers):
        self.send_response(code)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(headers.pop('length', len(body))))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        domain = self.headers['Host'].split(':')[0].removeprefix('mta-sts.')
        policy = (POLICY % domain).encode()
        if self.path != '/.well-known/mta-sts.txt':
            self.reply(404, 'text/plain', b'another path')
        elif domain == 'html.test':
            self.reply(200, 'text/html', policy)
        elif domain == 'gone.test':
            self.reply(404, 'text/plain', policy)
        elif domain == 'moved.test':
            self.reply(302, 'text/plain', b'',
                       Location=f'https://mta-sts.good.test:{PORT}/.well-known/mta-sts.txt')
        elif domain == 'big.test':
            self.reply(200, 'text/plain', policy + b'x: ' + b'y' * 65536)
        elif domain == 'endless.test':
            self.reply(200, 'text/plain', policy + b'y' * 300000, length=10 ** 9)
        elif domain == 'cut.test':
            self.reply(200, 'text/plain', policy, length=1000)
        elif domain == 'fields.test':
            self.reply(200, 'text/plain', policy, **{f'X-Field-{i}': 'y' * 1000 for i in range(100)})
        elif domain == 'bad.test':
            self.reply(200, 'text/plain', b'hello')
        else:
            self.reply(200, 'Text/Plain; charset=utf-8', policy)

    def log_message(self, *args):
        pass


def main():
    make_ca('authority')
    make_ca('another')
    contexts = {'mta-sts.' + domain: context(domain, *how) for domain, how in HOSTS.items()}
    first = contexts['mta-sts.good.test']

    def choose(connection, name, _):
        connection.context = contexts.get(name, first)

    first.sni_callback = choose
    server = http.server.ThreadingHTTPServer((ADDRESS, PORT), Handler)
    server.socket = first.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *args: None
    os.rename(f'{DIR}/authority.crt', f'{DIR}/ca.pem')
    server.serve_forever()


main()
