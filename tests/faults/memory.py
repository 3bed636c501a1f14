#!/usr/bin/env python3
"""Allocations fail, one a run, in the tests of the engines.

  tests/faults/memory.py [--short | --some N] [--depth N] [--ours] [--seed S] [--jobs N] --build DIR [PROGRAM...]

DIR is a build with -Dtests=true and without sanitizers.  A first run of each program writes down each call stack
that allocates, by its last 12 callers (--depth); then the first allocation of each of them fails, in a run each.
--ours: callers inside libraries do not count, so what SQLite or OpenSSL do for one call of ours is one call stack.
--some: only N of a program's stacks, by a seed; --short: 10.  An allocation of ours that fails ends the process
(abort); one of a library may make a test fail or be made good.  What must never happen: any other signal, a run
without end, or one in which libc finds its heap broken.  KNOWN are libraries that follow a NULL of their own all
the same before they return to us, LATER those that do so when what they left half made is freed.  PROGRAMS, those
without a database below them, are for an hour; others can be named."""
import argparse
import collections
import concurrent.futures
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = """
    transcripts_smtpd transcripts_smtpc transcripts_pop3d transcripts_pop3c address autoconfig bans base block
    buf carrier_plan cidr config dane dns downgrade httpd ipc_job line maildir meet mime mime_read mtasts
    nexthop path pop3c pop3d provider proxy rc reader remote_state route sasl_client secret smtpc socks srs
    uidl
""".split()
BROKEN = (b"malloc()", b"malloc_", b"free()", b"corrupted", b"double free", b"smashing", b"exception: ", b"Segmentation")
KNOWN = ("libcrypto.so.3", "libconfuse.so.2")
LATER = ("libconfuse.so.2", "libunbound.so.8")
KILLED = re.compile(rb"no_memory: killed at (?:0x([0-9a-f]+)|\(nil\))( later)?:(?: libc\.so\.6\+\S+)*(?: ([^+ \n]+)\+\S+)?.*")
SLACK = 500  # how much earlier a thread may allocate than it did in the first run


def judge(done):
    """How it ended, and what is wrong about that."""
    broken = next((b.decode() for b in BROKEN if b in done.stdout), None)
    if broken:
        return "broken", broken
    if done.returncode == -signal.SIGABRT:
        return "aborted", None
    if done.returncode < 0:
        where = KILLED.search(done.stdout)
        if where and int(where[1] or b"0", 16) < 4096 and (where[3] or b"").decode() in (LATER if where[2] else KNOWN):
            return "NULL in " + where[3].decode(), None
        return "killed", f"{signal.Signals(-done.returncode).name} {where[0].decode() if where else ''}"
    return ("passed" if done.returncode == 0 else "refused"), None


def remove_listed(name):
    """What a test that was ended left of its directories."""
    if not os.path.exists(name):
        return
    with open(name, encoding="utf-8") as f:
        for path in f.read().splitlines():
            shutil.rmtree(path, ignore_errors=True)
    os.unlink(name)


def read_list(name):
    with open(name, encoding="ascii") as f:
        count, met = map(int, f.readline().split())
        return count, met == 1, sorted((int(first), stack) for stack, first in map(str.split, f))


class Program:
    timeout = 300  # of the first run; then what takes much longer than that

    def __init__(self, path, libraries, folder, depth=12, ours=False):
        self.path, self.libraries, self.folder, self.depth, self.ours = path, libraries, folder, depth, ours
        self.name = os.path.basename(path).removeprefix("test_")

    def run(self, which, stack, told):
        env = {**os.environ, "LD_PRELOAD": self.libraries, "NO_MEMORY": str(which), "NO_MEMORY_STACK": stack,
               "NO_MEMORY_LIST": told, "NO_MEMORY_FOLDERS": told + ".folders", "NO_MEMORY_DEPTH": str(self.depth), "NO_MEMORY_OURS": str(int(self.ours)),
               "TRANSCRIPT_SEED": "1"}
        try:
            return subprocess.run([self.path], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, check=False, timeout=self.timeout)
        finally:
            remove_listed(told + ".folders")

    def try_one(self, number, stack):
        """The allocation from about this number on that has this stack fails."""
        told = f"{self.folder}/{self.name}-{number}"
        for which in (max(1, number - SLACK), 1):
            try:
                end, why = judge(self.run(which, stack, told))
            except subprocess.TimeoutExpired:
                end, why = "endless", "no end"
            # Who is killed writes no list; what he had begun to run may have.
            met = end not in ("passed", "refused") or not os.path.exists(told) or read_list(told)[1]
            if os.path.exists(told):
                os.unlink(told)
            if met or why:
                break
        return (end if met else "not met"), why

    def stacks(self):
        """How many allocations there are, and (first, name) of each call stack."""
        told, start = f"{self.folder}/{self.name}.list", time.monotonic()
        done = self.run(0, "", told)
        self.timeout = min(self.timeout, 10 + 10 * (time.monotonic() - start))
        count, _, stacks = read_list(told)
        if done.returncode != 0 or not stacks:
            raise RuntimeError(f"without any failure {self.name} ends with {done.returncode}, {len(stacks)} stacks")
        return count, stacks

    def all(self, pool, args):
        """Prints what went wrong; returns whether nothing did."""
        start, ends, wrong = time.monotonic(), collections.Counter(), collections.defaultdict(list)
        count, stacks = self.stacks()
        some = stacks if args.some is None else random.Random(args.seed).sample(stacks, min(args.some, len(stacks)))
        for (number, stack), (end, why) in zip(some, pool.map(lambda t: self.try_one(*t), some)):
            ends[end] += 1
            if why:
                wrong[why].append(f"NO_MEMORY={number} NO_MEMORY_STACK={stack}")
        for why, which in wrong.items():
            print(f"FAIL {self.name}: {len(which)} of {why}, first {which[0]}")
        how = ", ".join(f"{n} {end}" for end, n in sorted(ends.items()))
        good = not wrong and ends["not met"] < len(some)
        print(f"{'ok' if good else 'FAIL'} {self.name}: {count} allocations, {len(stacks)} call stacks, "
              f"{len(some)} failed: {how}, {time.monotonic() - start:.0f} s", flush=True)
        return good


def careless(libraries, folder):
    """What is to be found is found."""
    program = Program(f"{folder}/careless", libraries, folder)
    program.timeout = 10
    subprocess.run(["cc", "-O0", "-o", program.path, f"{HERE}/careless.c"], check=True)
    ends = [program.try_one(*one)[0] for one in program.stacks()[1]]
    good = ends == ["killed", "broken", "endless"]
    print(f"{'ok' if good else 'FAIL'} careless: {', '.join(ends)}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--some", type=int)
    parser.add_argument("--depth", type=int, default=12)
    parser.add_argument("--ours", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--build", required=True)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM")
    args = parser.parse_args()
    args.some = 10 if args.short else args.some
    with tempfile.TemporaryDirectory(prefix="restante-memory-") as folder, \
            concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        libraries = []
        for name in ("no_memory", "no_sync"):  # a sync is of no interest here, and slow
            libraries.append(f"{folder}/{name}.so")
            subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", libraries[-1], f"{HERE}/{name}.c"], check=True)
        libraries = ":".join(libraries)
        good = [careless(libraries, folder)]
        good += [Program(os.path.join(args.build, "tests/unit/test_" + name), libraries, folder, args.depth,
                         args.ours).all(pool, args) for name in args.programs or PROGRAMS]
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
