#!/usr/bin/env python3
"""All limits, smaller than promised (a minute); --full: as promised.  RESTANTE names a release build:
sanitizers have a memory of their own."""

import sys
import traceback

import accounts
import idle
import million
import one_gib

ROWS = [  # module, small, full
    (one_gib, 128, 1024),
    (idle, 1000, 10000),
    (million, 20000, 1000000),
    (accounts, 2000, 100000),
]


def main():
    full = '--full' in sys.argv[1:]
    failed = 0
    for module, small, large in ROWS:
        try:
            module.main(large if full else small)
            print(f'ok {module.__name__}', flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f'FAIL {module.__name__}: {traceback.format_exc()}', flush=True)
    print(f'{len(ROWS) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
