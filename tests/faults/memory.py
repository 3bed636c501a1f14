#!/usr/bin/env python3
"""Each allocation fails, one a run, in the tests of the engines.

  tests/faults/memory.py [--short | --each N | --all] [--seed S] --build DIR [PROGRAM...]

DIR is a build with -Dtests=true and without sanitizers.  A first run of each program (transcripts of the four
engines, MIME, DKIM, SASL, accounts: all unless told) counts its allocations; then N of them fail, in
a run each (the first tenth of N, the others by chance; --short: 10; --all: each).  An allocation of ours that fails ends the
process (abort); one of a library may make a test fail or be made good.  What must never happen: any other
signal, a run without end, or one in which libc finds its heap broken.  The program config is not among them:
libconfuse follows a NULL in cfg_free() when an allocation of its own failed."""
import argparse
import collections
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = ("transcripts_smtpd", "transcripts_smtpc", "transcripts_pop3d", "transcripts_pop3c", "mime", "mime_read",
            "dkim", "sasl", "sasl_client", "directory")
BROKEN = (b"malloc():", b"free():", b"corrupted", b"double free", b"exception: ", b"Segmentation")


def run(program, library, number, counter=None):
    env = {**os.environ, "LD_PRELOAD": library, "NO_MEMORY": str(number), "TRANSCRIPT_SEED": "1"}
    if counter:
        env["NO_MEMORY_COUNT"] = counter
    return subprocess.run([program], env=env, capture_output=True, check=False, timeout=120)


def judge(done):
    """How it ended, and what is wrong about that."""
    said = done.stdout + done.stderr
    broken = next((b.decode() for b in BROKEN if b in said), None)
    if broken:
        return "broken", broken
    if done.returncode == -signal.SIGABRT:
        return "aborted", None
    if done.returncode < 0:
        return "killed", signal.Signals(-done.returncode).name
    return ("passed" if done.returncode == 0 else "refused"), None


def numbers(count, args):
    if args.all:
        return range(1, count + 1)
    chance = random.Random(args.seed)
    first = range(1, min(count, args.each // 10 + 1) + 1)
    return sorted({*first, *(chance.randrange(1, count + 1) for _ in range(args.each - len(first)))})


def one_program(name, args, library, counter):
    """Prints what went wrong; returns whether nothing did."""
    program = os.path.join(args.build, "tests/unit/test_" + name)
    start, ends, wrong = time.monotonic(), collections.Counter(), 0
    with open(counter, "wb"):
        pass
    done = run(program, library, 0, counter)
    with open(counter, "rb") as f:
        count = int(f.read() or b"0")
    if done.returncode != 0 or count == 0:
        print(f"FAIL {name}: without any failure it ends with {done.returncode}, {count} allocations", flush=True)
        return False
    for number in numbers(count, args):
        try:
            end, why = judge(run(program, library, number))
        except subprocess.TimeoutExpired:
            end, why = "endless", "no end"
        ends[end] += 1
        if why:
            wrong += 1
            print(f"FAIL {name}: allocation {number} of {count}: {why}", flush=True)
    told = ", ".join(f"{n} {end}" for end, n in sorted(ends.items()))
    print(f"{'FAIL' if wrong else 'ok'} {name}: {count} allocations, {sum(ends.values())} failed: {told}, "
          f"{time.monotonic() - start:.0f} s", flush=True)
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--each", type=int, default=None)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", required=True)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM")
    args = parser.parse_args()
    args.each = args.each or (10 if args.short else 200)
    with tempfile.TemporaryDirectory(prefix="restante-memory-") as folder:
        library, counter = f"{folder}/no_memory.so", f"{folder}/count"
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, f"{HERE}/no_memory.c"], check=True)
        good = [one_program(name, args, library, counter) for name in args.programs or PROGRAMS]
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
