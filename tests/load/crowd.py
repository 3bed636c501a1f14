"""Idle POP3 sessions that are logged in, and senders at one octet every ten seconds, while somebody logs in."""

import time

from load import PASSWORD, Crowd, add_accounts, connect, in_time, memory, office, raise_descriptors

TEXT = b'EHLO slow.test\r\nMAIL FROM:<x@elsewhere.test>\r\nRCPT TO:<ann@example.test>\r\n'


def main(idle, slow, seconds):
    room = raise_descriptors() - 200
    if idle + slow > room:
        idle, slow = room * idle // (idle + slow), room * slow // (idle + slow)
        print(f'only so many descriptors allowed here: {idle} idle, {slow} slow')
    users = [f'u{n}@example.test' for n in range(idle)]
    with office('login_timeout = "1h"\ncommand_timeout = "1h"\n') as o:
        add_accounts(o, users)
        alone, before = in_time(o, 'ann@example.test', 1), memory(o)
        crowd = Crowd()
        for at in range(0, idle, 200):
            for u in users[at:at + 200]:
                crowd.add(connect(o.port('pop3')), [f'USER {u}\r\n'.encode(),
                                                    f'PASS {PASSWORD}\r\n'.encode(), b'STAT\r\n'])
            crowd.finish(120)
        assert len(crowd.done) == idle and crowd.refused == 0, (len(crowd.done), crowd.refused)
        slow_ones = Crowd()
        for at in range(0, slow, 200):
            for _ in range(min(200, slow - at)):
                slow_ones.add(connect(o.port('smtp')), [])
            slow_ones.finish(60)
        assert len(slow_ones.done) == slow
        started, logins, sent = time.monotonic(), [], 0
        while time.monotonic() - started < seconds:
            # A tenth of them each second.
            for s in slow_ones.done[sent % 10::10]:
                s.send(TEXT[sent // 10 % len(TEXT):][:1])
            sent += 1
            logins.append(in_time(o, 'ann@example.test', 1, 3))
            time.sleep(max(0, started + sent - time.monotonic()))
        for s in crowd.done[::50] + crowd.done[-1:]:
            s.setblocking(True)
            s.settimeout(20)
            s.sendall(b'NOOP\r\n')
            assert s.recv(100).startswith(b'+OK')
        grown = memory(o) - before
        print(f'{idle} idle, {slow} slow for {seconds} s: {grown / (idle + slow):.1f} KiB each; a login beside them '
              f'{max(logins) * 1000:.0f} ms at most, alone {alone * 1000:.0f} ms')
        for s in crowd.done + slow_ones.done:
            s.close()
        assert grown < 4096 + 8 * (idle + slow), grown
