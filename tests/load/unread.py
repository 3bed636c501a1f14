"""Clients that ask for large messages and read nothing: memory stays, and when the ten minutes of autologout are over
(only in the full run) the maildrops are free."""

import time

from load import PASSWORD, add_accounts, connect, in_time, memory, office

RAW = b'Subject: large\r\n\r\n' + (b'x' * 70 + b'\r\n') * 60000  # 4 MiB
KIB_EACH, WINDOWS = 1024, 2 * 4096  # doc/limits.md; of two edges


def main(clients, wait):
    users = [f'u{n}@example.test' for n in range(clients)]
    with office('autologout = "10m"\nedges = 2\n') as o:
        add_accounts(o, users)
        for u in users:
            o.deliver(RAW, u)
        o.fetch('ann@example.test')
        before, held = memory(o), []
        for u in users:
            s = connect(o.port('pop3'), rcvbuf=4096)
            s.setblocking(True)
            s.recv(200)
            for line in (f'USER {u}\r\n', f'PASS {PASSWORD}\r\n'):
                s.sendall(line.encode())
                s.recv(200)
            s.sendall(b'RETR 1\r\n' * 20)
            held.append(s)
        time.sleep(2)
        grown = memory(o) - before
        beside = in_time(o, 'ann@example.test', 1)
        if wait:
            time.sleep(wait)
            for u in users:
                o.pop(u, implicit=False).quit()
        print(f'{clients} clients asked for {clients * 80} MiB and read nothing: {grown / 1024:.1f} MiB more, '
              f'a login beside them {beside * 1000:.0f} ms' + (f', gone after {wait} s' if wait else ''))
        assert grown < clients * KIB_EACH + WINDOWS, grown
        for s in held:
            s.close()
