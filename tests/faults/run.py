#!/usr/bin/env python3
"""Each system call of a delivery, of a retrieval with deletion and of a fetch fails in turn.

  tests/faults/run.py [--short] [--each N] [PART...]       RESTANTE names a release build

A first run without faults tells which calls each process makes; then strace makes one of them fail, one
run a fault (EIO, ENOSPC, EMFILE, ENOMEM, EINTR, SIGKILL at the call): the first N of each call of each
process (8 unless told; --short: 1, and fewer errors).  PART: deliver-store, deliver-edge, retrieve-store,
retrieve-edge, relay-store, relay-carrier, fetch; all unless told.  After each run, without faults:
  answered 250            the message is there, once, octet for octet
  refused                 with a temporary code (4xx), and it is not there (may be there when the process
                          died of it: then nobody knows, and the sender tries again)
  +OK to QUIT             what was deleted is gone
  -ERR to QUIT            it is still there (the same)
  connection lost         whole or absent, deleted or not; nothing twice that was sent once
  fetch ended with 0      every message is in the store, once; after another fetch in any case
and the office serves on by itself.  Needs ptrace.  Calls whose failure the kernel does not know (futex,
clocks, exit) are left out, and so is a short write, which strace can claim but not make: the simulated
disk (tests/crash) and the small file systems (tests/e2e/test_full.py) have those."""
import argparse
import collections
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
sys.dont_write_bytecode = True

import office as o  # noqa: E402
import peer  # noqa: E402
import test_fetch  # noqa: E402

LEFT_OUT = {"futex", "exit", "exit_group", "rt_sigreturn", "rt_sigprocmask", "rt_sigaction", "execve",
            "restart_syscall", "clock_gettime", "clock_nanosleep", "sched_yield", "madvise", "munmap",
            "arch_prctl", "set_robust_list", "rseq", "set_tid_address", "vfork", "wait4", "getpid",
            "gettid", "getuid", "geteuid", "getgid", "getegid", "umask", "close", "prlimit64"}
ERRORS = ("EIO", "ENOSPC", "EMFILE", "ENOMEM", "EINTR", "SIGKILL")
SHORT_ERRORS = ("EIO", "SIGKILL")
LOST = (OSError, EOFError)
SOON = 20  # s: less than what an edge waits for a channel before it ends itself
BODY = b"Subject: %s\r\n\r\n.dot\r\n" + b"x" * 60 + b"\r\n"


class Wrong(Exception):
    pass


class Strace:
    """Attached to a running process; without a fault it writes down what is called."""

    def __init__(self, pid, fault=None):
        self.out = tempfile.NamedTemporaryFile(prefix="restante-faults.")
        self.process = subprocess.Popen(["strace", "-f", "-o", self.out.name, *inject(fault), "-p", str(pid)],
                                        stderr=subprocess.PIPE)
        line = self.process.stderr.readline()
        if b"attached" not in line:
            raise SystemExit(f"strace cannot attach: {line.decode()}")

    def end(self):
        """Returns what was called, and how often a fault was injected."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()  # what it traced goes on
            self.process.communicate()
        return calls(self.out.name)


def inject(fault):
    if fault is None:
        return []
    call, number, error = fault
    what = "signal=KILL" if error == "SIGKILL" else f"error={error}"
    return ["-e", f"trace={call}", "-e", f"inject={call}:{what}:when={number}"]


def calls(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    found = collections.Counter(re.findall(r"^(?:\d+ +)?([a-z_0-9]+)\(", text, re.M))
    return found, "(INJECTED)" in text or "killed by SIGKILL" in text


def faults(found, args):
    for call in sorted(set(found) - LEFT_OUT):
        for number in range(1, min(found[call], args.each) + 1):
            for error in SHORT_ERRORS if args.short else ERRORS:
                yield call, number, error


class Served:
    """One office; its own message, unharmed, stands at the front of the maildrop all the time."""

    def __init__(self, config=""):
        self.office = o.Office(config="edges = 1\n" + config)
        self.office.open()
        self.office.deliver(BODY % b"kept")
        self.n = 0

    def again(self, call, *args, **kwargs):
        """Fault-free: the office serves by itself again, however the run ended, and soon."""
        end = time.monotonic() + SOON
        while True:
            try:
                return call(*args, **kwargs)
            except (*LOST, o.poplib.error_proto, o.smtplib.SMTPException) as error:
                if time.monotonic() > end:
                    raise Wrong(f"serves no more: {error}\n{self.office.log_tail()}") from None
                time.sleep(0.1)

    def subjects(self):
        messages = self.again(self.office.fetch, delete=False)
        for m in messages:
            if not m.endswith(b"\r\n\r\n.dot\r\n" + b"x" * 60 + b"\r\n"):
                raise Wrong(f"a message that nobody sent: {m!r}")
        subjects = [re.search(rb"Subject: (\S+)", m)[1] for m in messages]
        if subjects[:1] != [b"kept"]:
            raise Wrong(f"the message that was there before is not: {subjects}")
        return subjects[1:]

    def empty(self):
        p = self.again(self.office.pop)
        for n in range(2, p.stat()[0] + 1):
            p.dele(n)
        p.quit()

    def pid(self, which):
        def choose():
            return next((p for p in self.office.children() if o.name_of(p).startswith(which)), None)
        return o.wait_until(choose, 20, f"the {which} is there")

    def close(self):
        self.office.close()
        self.office.must("fsck")


def deliver(served, during):
    """Sends one message while `during` lasts; returns what is wrong about the end."""
    served.n += 1
    tag, reply = b"tag%d" % served.n, ""
    with during:
        try:
            with served.office.wire("smtp", 12) as w:
                steps = [b"", b"EHLO c.test\r\n", b"MAIL FROM:<x@elsewhere.test>\r\n",
                         b"RCPT TO:<ann@example.test>\r\n", b"DATA\r\n", BODY.replace(b"\n.", b"\n..") % tag + b".\r\n"]
                for step in steps:
                    reply = w.ask(step) if step else w.reply()
                    if not reply.startswith(("2", "3")):
                        break
        except LOST:
            reply = ""
    there = served.subjects()
    served.empty()
    if reply.startswith("5"):
        return f"refused for good: {reply}"
    if reply.startswith("2") and there != [tag]:
        return f"{reply}, and there is {there}"
    if reply.startswith("4") and there and not during.died:
        return f"{reply}, and it is there"
    return None if there in ([], [tag]) else f"there is {there}"


def retrieve(served, during):
    served.n += 1
    tag, said = b"tag%d" % served.n, ""
    served.again(served.office.deliver, BODY % tag)
    with during:
        try:
            with served.office.wire("pop3s", 12) as w:
                said = w.line().decode()
                for step in ("USER ann@example.test", f"PASS {o.PASSWORD}", "RETR 2", "DELE 2", "QUIT"):
                    said = w.pop(step)
                    if step.startswith("RETR") and said.startswith("+"):
                        w.multi()
                    if not said.startswith("+"):
                        break
                else:
                    step = "done"
        except (*LOST, AssertionError):
            said = ""
    there = served.subjects()
    served.empty()
    if said.startswith("+") and step == "done" and there:
        return f"{said}, and it is there"
    if said.startswith("-") and there != [tag] and not during.died:
        return f"{said}, and there is {there}"
    return None if there in ([], [tag]) else f"there is {there}"


class Attached:
    def __init__(self, served, which, fault):
        self.served, self.which, self.fault = served, which, fault

    def __enter__(self):
        self.pid = self.served.pid(self.which)
        self.strace = Strace(self.pid, self.fault)

    def __exit__(self, *_):
        self.died = not o.alive(self.pid)
        self.found, self.hit = self.strace.end()


def every_fault(name, args, tally, served, run):
    which = name.split("-")[1]
    first = Attached(served, which, None)
    for _ in range(2):  # the second: everything is warm
        wrong = run(first)
        if wrong:
            raise Wrong(f"without any fault: {wrong}")
    for fault in faults(first.found, args):
        during = Attached(served, which, fault)
        tally.add(name, fault, run(during), during.hit)
    served.close()


def served_part(name, args, tally):
    scenario = name.split("-")[0]
    run = {"deliver": deliver, "retrieve": retrieve}[scenario]
    served = Served()
    try:
        every_fault(name, args, tally, served, lambda during: run(served, during))
    finally:
        served.office.destroy()


def fetch_part(name, args, tally):
    served = Served()
    office = served.office
    out = tempfile.NamedTemporaryFile(prefix="restante-faults.")

    def once(fault):
        with test_fetch.Home(office) as home:
            done = subprocess.run(["strace", "-f", "-o", out.name, *inject(fault), o.BIN, "fetch", "--state",
                                   home.state], capture_output=True, check=False, timeout=60)
            found, hit = calls(out.name)
            there = home.subjects() if done.returncode == 0 else None
            if there not in (None, ["kept"]):
                return found, hit, f"ended with 0, and there is {there}"
            again = home.run("fetch")
            if again.returncode != 0 or home.subjects() != ["kept"]:
                return found, hit, f"after another: {again.stderr!r}, there is {home.subjects()}"
            return found, hit, None

    try:
        found, _, wrong = once(None)
        if wrong:
            raise Wrong(f"without any fault: {wrong}")
        for fault in faults(found, args):
            tally.add(name, fault, *reversed(once(fault)[1:]))
        served.subjects()
        served.close()
    finally:
        office.destroy()


def relay_part(name, args, tally):
    """Submitted mail that goes on to another server.  Acknowledged: it arrives there, at least once."""
    with peer.Peer() as far:
        served = Served(f'queue_retry = "1s"\nroute "far.test" {{\n relay = "127.0.0.1"\n port = {far.port}\n}}\n')

        def once(during):
            served.n += 1
            tag, taken, before = b"tag%d" % served.n, False, len(far.messages)
            with during:
                try:
                    with served.office.submit() as s:
                        s.sendmail(served.office.ann, "x@far.test", BODY % tag)
                        taken = True
                    o.wait_until(lambda: len(far.messages) > before, 3, "it is there")
                except (*LOST, o.smtplib.SMTPException, AssertionError):
                    pass
            end = time.monotonic() + 40
            while taken and not any(b"Subject: " + tag + b"\r" in m.octets for m in far.messages):
                if time.monotonic() > end:
                    return f"taken and never sent on\n{served.office.log_tail()}"
                time.sleep(0.1)
            for m in far.messages[before:]:
                if not m.octets.endswith(b"\r\n.dot\r\n" + b"x" * 60 + b"\r\n"):
                    return f"sent on as {m.octets!r}"
            there = served.subjects()
            return f"there is {there}" if there else None

        try:
            every_fault(name, args, tally, served, once)
        finally:
            served.office.destroy()


class Tally:
    def __init__(self):
        self.tried = self.hit = self.wrong = 0

    def add(self, part, fault, wrong, hit):
        self.tried += 1
        self.hit += bool(hit)
        if wrong:
            self.wrong += 1
            print(f"FAIL {part}: {fault[2]} at {fault[0]} {fault[1]}: {wrong}", flush=True)


PARTS = {"deliver-store": served_part, "deliver-edge": served_part, "retrieve-store": served_part,
         "retrieve-edge": served_part, "relay-store": relay_part, "relay-carrier": relay_part,
         "fetch": fetch_part}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--each", type=int, default=None)
    parser.add_argument("parts", nargs="*", metavar="PART")
    args = parser.parse_args()
    args.each = args.each or (1 if args.short else 8)
    if set(args.parts) - set(PARTS):
        parser.error(f"parts are {', '.join(PARTS)}")
    passed = failed = 0
    for name in args.parts or PARTS:
        tally, start = Tally(), time.monotonic()
        try:
            PARTS[name](name, args, tally)
        except (Wrong, AssertionError) as wrong:
            tally.wrong += 1
            print(f"FAIL {name}: {wrong}", flush=True)
        if tally.wrong or not tally.hit:
            failed += 1
        else:
            passed += 1
        print(f"{'FAIL' if tally.wrong or not tally.hit else 'ok'} {name}: {tally.tried} faults, {tally.hit} met, "
              f"{tally.wrong} wrong, {time.monotonic() - start:.0f} s", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
