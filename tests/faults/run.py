#!/usr/bin/env python3
"""Each system call of a delivery, of a retrieval with deletion and of a fetch fails in turn.

  tests/faults/run.py [--short] [--each N] [--call NAME] [PART...]       RESTANTE names a release build

A first run without faults tells which calls each process makes; then strace makes one of them fail, one
run a fault (EIO, ENOSPC, EMFILE, ENOMEM, EINTR, SIGKILL at the call): the first N of each call of each
process (8 unless told; --short: 1, and fewer errors).  PART: deliver-store, deliver-edge, retrieve-store,
retrieve-edge, relay-store, relay-carrier, many-store, many-carrier (one message for three; SIGKILL at each call), fetch,
short-writes; all unless told.  After each run, without faults:
  answered 250            the message is there, once, octet for octet
  refused                 with a temporary code (4xx), and it is not there (may be there when the process
                          died of it, or the reply says that it is not known: the sender tries again)
  +OK to QUIT             what was deleted is gone
  -ERR to QUIT            it is still there (the same)
  connection lost         whole or absent, deleted or not; nothing twice that was sent once
  a sync failed           that file is neither written to nor synced once more, but to cut off what was refused
  fetch ended with 0      every message is in the store, once; after another fetch in any case
and the office serves on by itself.  Needs ptrace.  Calls whose failure the kernel does not know (futex,
clocks, exit) are left out.  A short write strace can claim but not make: in the part short-writes
a library (short_writes.c) cuts each write of each process to its first half, and all must go as ever."""
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
SYNCS = ("fdatasync", "fsync")
WRITES = ("write", "pwrite64", "pwritev", "ftruncate")
SOON = 20  # s: less than what an edge waits for a channel before it ends itself
BODY = b"Subject: %s\r\n\r\n.dot\r\n" + b"x" * 60 + b"\r\n"


class Wrong(Exception):
    pass


class Strace:
    """Attached to a running process; without a fault it writes down what is called."""

    def __init__(self, pid, fault=None):
        self.out = tempfile.NamedTemporaryFile(prefix="restante-faults.")
        self.process = subprocess.Popen(["strace", "-f", "-y", "-o", self.out.name, *inject(fault), "-p", str(pid)],
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
        return *calls(self.out.name), synced_again(self.out.name)


def inject(fault):
    if fault is None:
        return []
    call, number, error = fault
    what = "signal=KILL" if error == "SIGKILL" else f"error={error}"
    trace = ",".join({call, *WRITES}) if call in SYNCS else call
    return ["-e", f"trace={trace}", "-e", f"inject={call}:{what}:when={number}"]


def calls(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    found = collections.Counter(re.findall(r"^(?:\d+ +)?([a-z_0-9]+)\(", text, re.M))
    return found, "(INJECTED)" in text or "killed by SIGKILL" in text


def synced_again(path):
    """A file of messages that was written to or synced after its sync had failed: the kernel may have dropped
    what it could not write, and would say yes."""
    failed = set()
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            call = re.match(r"(?:\d+ +)?([a-z_0-9]+)\(\d+<([^>]*)>.*", line)
            if call is None or call[1] not in SYNCS + WRITES:
                continue
            if call[1] == "ftruncate":  # what was refused is cut off: that is to be synced
                failed.discard(call[2])
            elif call[2] in failed:
                return line.strip()
            if call[1] in SYNCS and ") = -1 " in line and (call[2].endswith(".seg") or "/blob/" in call[2]):
                failed.add(call[2])
    return None


def faults(found, args):
    if args.kills:
        yield from ((call, number, "SIGKILL") for call in sorted(set(found) - LEFT_OUT)
                    for number in range(1, (1 if args.short else found[call]) + 1))
        return
    """A number is one of each thread's calls, as strace counts them."""
    for call in sorted(set(found) - LEFT_OUT if args.call is None else {args.call} & set(found)):
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
    if reply.startswith("4") and "not known" not in reply and there and not during.died:
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
        self.found, self.hit, self.again = self.strace.end()


def every_fault(name, args, tally, served, run):
    which = name.split("-")[1]
    first = Attached(served, which, None)
    for _ in range(2):  # the second: everything is warm
        wrong = run(first)
        if wrong:
            raise Wrong(f"without any fault: {wrong}")
    for fault in faults(first.found, args):
        during = Attached(served, which, fault)
        try:
            wrong = run(during)
        except Wrong as error:
            wrong = str(error)
            served.office.stop()
            served.office.start()
            served.empty()
        tally.add(name, fault, wrong or (during.again and f"after a failed sync: {during.again}"), during.hit)
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
        with test_fetch.Home(office, timeout="5s") as home:
            done = subprocess.run(["strace", "-f", "-o", out.name, *inject(fault), o.BIN, "fetch", "--state",
                                   home.state], capture_output=True, check=False, timeout=150)
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


def many_part(name, args, tally):
    """One message for three, killed at each system call: two are served elsewhere, the third is refused there.  Taken:
    each recipient gets it, at least once, or its sender is told, once."""
    def rcpt(_, line):
        return "550 5.1.1 no such user" if "no@" in line else "250 2.1.5 yes"

    with peer.Peer({"RCPT": rcpt}) as far:
        served = Served(f'queue_retry = "1s"\nroute "far.test" {{\n relay = "127.0.0.1"\n port = {far.port}\n}}\n')

        def once(during):
            served.n += 1
            tag, taken = b"tag%d" % served.n, False
            to = ["x@far.test", "no@far.test", "y@far.test"]

            def reached():
                return {r for m in list(far.messages) if b"Subject: " + tag + b"\r" in m.octets for r in m.recipients}

            with during:
                try:
                    with served.office.submit() as s:
                        s.sendmail(served.office.ann, to, BODY % tag)
                        taken = True
                    o.wait_until(lambda: len(reached()) == 2, 3, "it is there")
                    time.sleep(0.2)  # the notice is made
                except (*LOST, o.smtplib.SMTPException, AssertionError):
                    pass
            end, notices = time.monotonic() + 40, []
            while taken and (reached() != {to[0], to[2]} or not notices):
                if time.monotonic() > end:
                    return f"taken; it reached {reached()}, {len(notices)} notices\n{served.office.log_tail()}"
                time.sleep(0.1)
                notices = [m for m in served.again(served.office.fetch, delete=False)[1:]
                           if b"Subject: " + tag + b"\r" in m]
            if len(notices) > 1 or any(b"Final-Recipient: rfc822; no@far.test" not in m for m in notices):
                return f"the notices are {notices}"
            served.empty()
            return None

        args = argparse.Namespace(**{**vars(args), "kills": True})
        try:
            every_fault(name, args, tally, served, once)
        finally:
            served.office.destroy()


class Shortened:
    """short_writes.c, built; count() tells how many writes it has cut."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="restante-faults.")
        self.counter, library = os.path.join(self.dir.name, "count"), os.path.join(self.dir.name, "short.so")
        with open(self.counter, "wb") as f:
            f.write(bytes(8))
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library,
                        os.path.join(HERE, "short_writes.c")], check=True)
        os.chmod(self.dir.name, 0o755)
        self.words = ["env", f"LD_PRELOAD={library}", f"SHORT_COUNT={self.counter}"]

    def count(self):
        with open(self.counter, "rb") as f:
            return int.from_bytes(f.read(), "little")


def short_part(name, _args, tally):
    """Messages of all kinds of sizes come in, go out by POP3, go on, and are fetched."""
    short = Shortened()
    with peer.Peer() as far:
        office = o.Office(before=short.words, config=f"""
            edges = 1
            route "far.test" {{
                relay = "127.0.0.1"
                port = {far.port}
            }}""")

        def step(what, call):
            before = short.count()
            wrong = call()
            tally.add(name, (what, 0, "short writes"), wrong, short.count() > before)

        def delivered():
            for raw in sent:
                office.deliver(raw)
            got = office.fetch(delete=False)
            return None if all(g.endswith(s) for g, s in zip(got, sent, strict=True)) else "other octets"

        def fetched():
            with test_fetch.Home(office) as home:
                done = subprocess.run([*short.words, o.BIN, "fetch", "--state", home.state],
                                      capture_output=True, check=False, timeout=120)
                there = len(home.subjects()) if done.returncode == 0 else done.stderr
                return None if there == len(sent) else f"fetched: {there}"

        def relayed():
            for raw in sent:
                with office.submit() as s:
                    s.sendmail(office.ann, "x@far.test", raw)
            o.wait_until(lambda: len(far.messages) == len(sent), 60, "all went on")
            went = sorted(len(m.octets) for m in far.messages)
            for m in far.messages:
                if not any(m.octets.endswith(raw) for raw in sent):
                    return f"sent on as {m.octets[:200]!r} ... of {went}"
            return None

        def deleted():
            taken = len(office.fetch())
            there = len(office.fetch())
            return None if (taken, there) == (len(sent), 0) else f"of {taken} deleted {there} are there"

        try:
            office.open()
            sent = [b"Subject: n%d\r\n\r\n.\r\n" % n + b"y" * (n % 70) + (b"\r\n" + b"x" * 70) * (n // 72) +
                    b"\r\n" for n in (1, 3, 100, 5000, 70000, 300000, 1500000)]
            for what, call in (("delivery", delivered), ("fetch", fetched), ("relay", relayed),
                               ("deletion", deleted)):
                step(what, call)
            office.stop()
            office.start()
            step("after a restart", lambda: "messages" if office.fetch() else None)
            office.close()
            office.must("fsck")
        finally:
            office.destroy()
    print(f"{short.count()} writes were cut", flush=True)


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
         "many-store": many_part, "many-carrier": many_part,
         "fetch": fetch_part, "short-writes": short_part}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--each", type=int, default=None)
    parser.add_argument("--call", help="only this system call")
    parser.add_argument("parts", nargs="*", metavar="PART")
    args = parser.parse_args()
    args.kills = False
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
