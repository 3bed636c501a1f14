"""Connections without end from one address, then from every address of a /24, with the settings as they come.
Others are served meanwhile, and what was taken is given back."""

import time

from load import connect, in_time, office, raise_descriptors

MOST, NETWORK = 50, 1000  # connections_per_address, connections_per_network


def hold(o, sources, each):
    """Opens so many from each source; how many got a greeting."""
    held = []
    for source in sources:
        for _ in range(each):
            held.append(connect(o.port('smtp'), source))
        if len(held) % 500 < each:
            time.sleep(0.05)
    time.sleep(2)
    greeted = 0
    for s in held:
        try:
            said = s.recv(200)
        except OSError:
            said = b''
        greeted += said.startswith(b'220')
    return held, greeted


def main(addresses):
    room = raise_descriptors() - 200
    each = min(MOST + 10, room // addresses)
    with office(f'connections_per_address = {MOST}\nconnections_max = 20000\ncleartext_auth = yes\n', base='') as o:
        held, greeted = hold(o, ['127.0.7.1'], min(2000, room))
        assert greeted <= MOST, greeted
        assert greeted > 0
        beside_one = in_time(o, 'ann@example.test', 1)
        for s in held:
            s.close()
        time.sleep(1)
        held, greeted = hold(o, [f'127.0.8.{n}' for n in range(1, addresses + 1)], each)
        assert greeted <= min(NETWORK, addresses * MOST), greeted
        assert greeted > min(NETWORK, addresses * min(MOST, each)) // 2, greeted
        beside_all = in_time(o, 'ann@example.test', 1)
        for s in held:
            s.close()
        time.sleep(1)
        again, greeted_again = hold(o, ['127.0.7.1'], MOST)
        for s in again:
            s.close()
        assert greeted_again == MOST, greeted_again
        print(f'2000 from one address: a login beside them {beside_one * 1000:.0f} ms; {len(held)} from '
              f'{addresses} of a /24, {greeted} greeted: {beside_all * 1000:.0f} ms')
