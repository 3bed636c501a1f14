#!/usr/bin/env python3
"""Power cuts on real file systems: ext4 and xfs on loop devices that are shut down under load.

  tests/faults/disk.py [--cuts N] [--seed S] [--short] [FS...]       RESTANTE names a release build

The state directory of a live office lies on the file system; eight clients send and fetch, and what they
were answered is kept in this process, elsewhere.  Then the file system drops all that it has not written
(FS_IOC_SHUTDOWN without flushing its log: xfs_io -x -c shutdown), all processes are killed, the file system
is unmounted and mounted again, the office starts, and
  taken (250)           it is there for each recipient, once, octet for octet, with the UIDL it had
  refused               it is not there, but where the reply says that this is not known
  no answer before      there for all recipients or for none
  deleted (+OK)         it is gone, and stays so through all later cuts
  QUIT unanswered       that session's deletions happened, or not
  deleted, no QUIT      it is there
N cuts (100 unless told; --short: 3) for each file system, on one state directory.  Then a control: the same
with syncs that do nothing, which must be found out.  Needs root and loop devices."""
import argparse
import collections
import fcntl
import os
import random
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
sys.dont_write_bytecode = True

import office as o  # noqa: E402

ACCOUNTS = [f"c{n}@example.test" for n in range(8)]
LOST = (OSError, EOFError, AssertionError, IndexError, ValueError)  # cut-off lines among them
SIZE = 400  # MiB
SHUTDOWN, WITHOUT_ITS_LOG = 0x8004587D, 2  # FS_IOC_SHUTDOWN, FS_SHUTDOWN_FLAGS_NOLOGFLUSH
CONFIG = """
edges = 2
segment_size = "1M"
expunged_keep = "1h"
cleartext_auth = yes
"""


class Broken(Exception):
    pass


class Message:
    def __init__(self, tag, rcpts):
        self.tag, self.rcpts = tag, rcpts
        self.fate = "unknown"      # taken, refused, unknown: what its sender heard
        self.gone = {}             # maildrop -> "acked" or "unknown": somebody deleted it there
        self.uidl = {}


def body(tag, octets):
    """Each message can be told from all others, and a part of it from the whole."""
    head = b"Subject: %s %d\r\n\r\n" % (tag.encode(), octets)
    line = (tag.encode() + b".") * (70 // (len(tag) + 1)) + b"\r\n"
    return head + line * (octets // len(line)) + b"end\r\n"


class Clients:
    """Eight threads of senders that are owners too; each owner alone opens its maildrop."""

    def __init__(self, office, model, seed, lock):
        self.office, self.model, self.stopping, self.lock = office, model, False, lock
        self.taken = self.deleted = 0
        self.cut = False  # what is heard from now on no power cut would let anybody hear
        self.threads = [threading.Thread(target=self.run, args=(a, random.Random(f"{seed}/{a}")), daemon=True)
                        for a in ACCOUNTS]
        self.seed = seed
        for t in self.threads:
            t.start()

    def run(self, account, chance):
        n = 0
        while not self.stopping:
            try:
                with self.office.wire("smtp", 5) as w:
                    w.reply()
                    w.ask("EHLO client.test")
                    for _ in range(chance.randrange(1, 8)):
                        n += 1
                        self.send(w, f"{self.seed}-{account[:2]}-{n}", chance)
                if chance.random() < 0.6:
                    self.own(account, chance)
            except LOST:
                time.sleep(0.01)

    def send(self, w, tag, chance):
        if self.stopping:
            raise EOFError
        m = Message(tag, chance.sample(ACCOUNTS, chance.choice((1, 1, 1, 2, 3))))
        octets = chance.randrange(270000, 600000) if chance.random() < 0.05 else chance.randrange(50, 6000)
        w.ask("MAIL FROM:<x@elsewhere.test>")
        for r in m.rcpts:
            if not w.ask(f"RCPT TO:<{r}>").startswith("250"):
                w.ask("RSET")
                return
        if not w.ask("DATA").startswith("354"):
            return
        with self.lock:
            self.model[tag] = m
        reply = w.ask(body(tag, octets) + b".\r\n")
        with self.lock:
            if self.cut:
                return
            if reply.startswith("250"):
                m.fate = "taken"
                self.taken += 1
            elif reply[:1] in "45" and reply and "not known" not in reply:
                m.fate = "refused"

    def own(self, account, chance):
        """A session: reads, deletes some, and mostly says QUIT."""
        with self.office.wire("pop3", 5) as w:
            w.line()
            if not w.pop(f"USER {account}").startswith("+") or not w.pop(f"PASS {o.PASSWORD}").startswith("+"):
                return
            count = int(w.pop("STAT").split()[1])
            marked = []
            for n in range(1, min(count, 6) + 1):
                if chance.random() < 0.6:
                    tag, uidl = read(w, n)
                    if w.pop(f"DELE {n}").startswith("+"):
                        marked.append((tag, uidl))
            if chance.random() < 0.2:
                return
            with self.lock:
                for tag, uidl in marked:
                    self.model[tag].gone[account] = "unknown"
                    same_uidl(self.model[tag], account, uidl)
            said = w.pop("QUIT")
            with self.lock:
                for tag, _ in marked if not self.cut else ():
                    if said.startswith("+"):
                        self.model[tag].gone[account] = "acked"
                        self.deleted += 1
                    elif said.startswith("-"):
                        del self.model[tag].gone[account]

    def end(self):
        self.stopping = True
        for t in self.threads:
            t.join(20)
            if t.is_alive():
                raise Broken("a client hangs")


def same_uidl(m, account, uidl):
    if m.uidl.setdefault(account, uidl) != uidl:
        raise Broken(f"{m.tag} had the UIDL {m.uidl[account]}, and has {uidl}")


def read(w, n):
    """Tag and UIDL of a message that is whole."""
    uidl = w.pop(f"UIDL {n}").split()[-1]
    if not w.pop(f"RETR {n}").startswith("+"):
        raise EOFError
    lines = w.multi()
    raw = b"\r\n".join(lines) + b"\r\n"
    raw = raw[raw.index(b"Subject: "):]
    tag, octets = raw.split(b"\r\n", 1)[0].split()[1:]
    if raw != body(tag.decode(), int(octets)):
        raise Broken(f"message {n} is not what was sent: {raw[:200]!r}")
    return tag.decode(), uidl


def found(office, account):
    """All that is there, deleted afterwards."""
    with office.wire("pop3", 20) as w:
        w.line()
        w.pop(f"USER {account}")
        said = w.pop(f"PASS {o.PASSWORD}")
        if not said.startswith("+"):
            raise Broken(f"{account} cannot log in: {said}")
        rows = [read(w, n) for n in range(1, int(w.pop("STAT").split()[1]) + 1)]
        for n in range(len(rows)):
            w.pop(f"DELE {n + 1}")
        said = w.pop("QUIT")
        if not said.startswith("+"):
            raise Broken(f"nothing can be deleted: {said}")
    return rows


def compare(office, model):
    """Ends with empty maildrops, and a model that says so."""
    there = {a: found(office, a) for a in ACCOUNTS}
    where = collections.defaultdict(collections.Counter)
    for account, rows in there.items():
        for tag, uidl in rows:
            if tag not in model:
                raise Broken(f"{account} has {tag}, which nobody sent")
            where[tag][account] += 1
            same_uidl(model[tag], account, uidl)
    for tag, m in model.items():
        judge(m, where[tag])
    for tag in list(model):
        m = model[tag]
        m.gone = dict.fromkeys(ACCOUNTS, "acked")
        m.fate = "done"


def judge(m, there):
    heard = f"{m.tag} ({m.fate}) for {m.rcpts}, deleted {m.gone}: there {dict(there)}"
    whole = [there[r] > 0 for r in m.rcpts if r not in m.gone]
    if any(n > 1 for n in there.values()):
        raise Broken(f"twice: {heard}")
    if any(there[a] for a in ACCOUNTS if a not in m.rcpts or m.gone.get(a) == "acked"):
        raise Broken(f"not gone: {heard}")
    if m.fate == "taken" and not all(whole):
        raise Broken(f"lost: {heard}")
    if m.fate == "refused" and sum(there.values()):
        raise Broken(f"refused, and there: {heard}")
    if m.fate == "unknown" and any(whole) and not all(whole):
        raise Broken(f"for some only: {heard}")


class Disk:
    def __init__(self, kind):
        self.dir = tempfile.mkdtemp(prefix="restante-disk-")
        os.chmod(self.dir, 0o755)
        self.kind, self.image, self.at = kind, f"{self.dir}/image", f"{self.dir}/mnt"
        os.mkdir(self.at)
        with open(self.image, "wb") as f:
            f.truncate(SIZE << 20)
        subprocess.run([f"mkfs.{kind}", "-q", *(["-F"] if kind == "ext4" else ["-f"]), self.image], check=True)
        self.mounted = False

    def mount(self):
        done = subprocess.run(["mount", "-o", "loop", self.image, self.at], capture_output=True, check=False)
        self.mounted = done.returncode == 0
        return self.mounted

    def cut(self):
        at = os.open(self.at, os.O_RDONLY)
        fcntl.ioctl(at, SHUTDOWN, struct.pack("I", WITHOUT_ITS_LOG))
        os.close(at)

    def unmount(self):
        def done():
            return subprocess.run(["umount", self.at], capture_output=True, check=False).returncode == 0
        if self.mounted:
            o.wait_until(done, 20, "the file system is free")
        self.mounted = False

    def remove(self):
        subprocess.run(["umount", "-l", self.at], capture_output=True, check=False)
        subprocess.run(["rm", "-rf", "--one-file-system", self.dir], check=False)


def one_cut(office, disk, model, seed, chance):
    lock = threading.Lock()
    clients = Clients(office, model, seed, lock)
    try:
        time.sleep(chance.uniform(0.05, 1.2))
        with lock:
            clients.cut = True
        disk.cut()
        time.sleep(chance.choice((0, 0.02)))
        office.kill()
    finally:
        clients.end()
    disk.unmount()
    if not disk.mount():
        raise Broken("the file system cannot be mounted again")
    office.start()
    compare(office, model)
    return clients


def run_cuts(disk, office, args, tally):
    model, chance = {}, random.Random(f"{args.seed}/{disk.kind}")
    office.open()
    os.sync()  # the test itself wrote to the configuration
    for n in range(args.cuts):
        tally["cut"] = n + 1
        clients = one_cut(office, disk, model, f"{args.seed}x{n}", chance)
        tally["taken"] += clients.taken
        tally["deleted"] += clients.deleted
        if n % 20 == 19:
            office.must("fsck")
    office.stop()
    office.must("fsck")


def one_disk(kind, args, before=()):
    """Returns what was broken, and the figures; None: cannot mount."""
    disk, tally = Disk(kind), collections.Counter()
    office = o.Office(accounts=ACCOUNTS, config=CONFIG, before=before)
    office.state = os.path.join(disk.at, "state")
    try:
        if not disk.mount():
            return None, None
        run_cuts(disk, office, args, tally)
        return "", tally
    except (Broken, *LOST) as error:
        return f"{type(error).__name__}: {error}\n{office.log_tail(2000)}", tally
    finally:
        office.destroy()
        time.sleep(0.3)
        disk.remove()
        subprocess.run(["rm", "-rf", "--one-file-system", office.dir], check=False)


def control(kind, args):
    """Without syncs something must be missing."""
    with tempfile.TemporaryDirectory(prefix="restante-disk-") as lib:
        os.chmod(lib, 0o755)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", f"{lib}/no_sync.so", f"{HERE}/no_sync.c"], check=True)
        return one_disk(kind, args, ["env", f"LD_PRELOAD={lib}/no_sync.so"])


def alone():
    """In a mount namespace of its own: one that somebody else made meanwhile, as ip netns exec does, would keep
    the file system mounted, and shut down, when here it is unmounted.  False: that is not allowed."""
    if os.environ.get("DISK_ALONE"):
        return True
    words = ["unshare", "--mount", "--propagation", "private"]
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode != 0:
        return False
    os.execvpe(words[0], [*words, sys.executable, *sys.argv], {**os.environ, "DISK_ALONE": "1"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=None)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("kinds", nargs="*", metavar="FS", default=[])
    args = parser.parse_args()
    args.cuts = args.cuts or (3 if args.short else 100)
    passed = failed = 0
    if not alone():
        print("skipped: cannot mount loop devices\n0 passed, 0 failed")
        return 0
    for kind in args.kinds or ("ext4", "xfs"):
        start = time.monotonic()
        broken, tally = one_disk(kind, args)
        if tally is None:
            print("skipped: cannot mount loop devices", flush=True)
            continue
        failed, passed = failed + bool(broken), passed + (not broken)
        print(f"{'FAIL' if broken else 'ok'} {kind}: {tally['cut']} cuts, seed {args.seed}, {tally['taken']} taken, "
              f"{tally['deleted']} deleted, {time.monotonic() - start:.0f} s {broken}", flush=True)
        args.cuts, kept = 3, args.cuts
        broken, tally = control(kind, args)
        args.cuts = kept
        caught = broken.startswith("Broken: ")
        failed, passed = failed + (not caught), passed + caught
        if caught:
            print(f"caught {kind} without syncs, cut {tally['cut']}: {broken.splitlines()[0][:150]}", flush=True)
        else:
            print(f"FAIL {kind} without syncs: nothing was noticed {broken}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
