#!/usr/bin/env python3
"""A disk that is full but for K blocks, then but for K inodes: K from 0 to 40, in one mount each.

  tests/faults/full.py [--short] [blocks] [inodes]       RESTANTE names a release build

At each step mail that goes on has reached the next server, which has not answered yet; then the disk fills
up, and while it is full: the answer comes and must be written down, messages are sent until one is refused,
and a session deletes one and says QUIT.  What was said must agree with what is there; nothing is lost.  Then
there is room again, and the same processes must take mail within seconds.  At the end all mail that goes on
has arrived, and the queue is empty.  --short: each tenth step.  Needs root."""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
sys.dont_write_bytecode = True

import office as o  # noqa: E402
import peer  # noqa: E402

SIZES_OF_DISK, INODES, BLOCK = {"blocks": 192, "inodes": 768}, 2000, 4096  # MiB; all that was deleted is kept
CONFIG = """
edges = 1
segment_size = "1M"
disk_free_min = 0
queue_retry = "1s"
cleartext_auth = yes
route "far.test" {
	relay = "127.0.0.1"
	port = %d
}
"""
SIZES = (100_000, 400, 300_000, 60_000, 3000)


class Wrong(Exception):
    pass


class Full:
    """The file system, and what fills it."""

    def __init__(self, kind):
        self.kind, self.dir = kind, tempfile.mkdtemp(prefix="restante-full-")
        os.chmod(self.dir, 0o755)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZES_OF_DISK[kind]}m,nr_inodes={INODES},mode=755",
                               "restante-test", self.dir], capture_output=True, check=False)
        self.mounted = done.returncode == 0
        self.filler = f"{self.dir}/filler"

    def fill(self, left):
        """All but so many."""
        os.mkdir(self.filler)
        if self.kind == "inodes":
            n = 0
            try:
                while True:
                    os.close(os.open(f"{self.filler}/{n}", os.O_CREAT | os.O_WRONLY, 0o600))
                    n += 1
            except OSError:
                for i in range(min(left, n)):
                    os.unlink(f"{self.filler}/{i}")
            return
        with open(f"{self.filler}/0", "wb", buffering=0) as f:
            at, size = 0, 1 << 24
            while size >= BLOCK:
                try:
                    os.posix_fallocate(f.fileno(), at, size)
                    at += size
                except OSError:
                    size //= 2
            f.truncate(max(at - left * BLOCK, 0))

    def room(self):
        subprocess.run(["rm", "-rf", self.filler], check=True)

    def remove(self):
        subprocess.run(["umount", "-l", self.dir], capture_output=True, check=False)
        subprocess.run(["rm", "-rf", "--one-file-system", self.dir], check=False)


class Ladder:
    def __init__(self, kind):
        self.answer, self.waiting = threading.Event(), threading.Event()
        self.far = peer.Peer({".": self.late_answer})
        self.full = Full(kind)
        self.office = o.Office(config=CONFIG % self.far.port)
        self.office.state = f"{self.full.dir}/state"
        self.there, self.sent, self.n = set(), set(), 0
        self.taken = self.refused = self.deleted = self.kept = 0

    def late_answer(self, *_):
        self.waiting.set()
        self.answer.wait(60)
        return "250 2.0.0 taken"

    def tag(self):
        self.n += 1
        return f"tag{self.n}"

    def send(self, w, size):
        """The reply to one message."""
        tag = self.tag()
        raw = f"Subject: {tag}\r\n\r\n".encode() + (b"x" * 70 + b"\r\n") * (size // 72 + 1)
        w.ask("MAIL FROM:<x@elsewhere.test>")
        reply = w.ask(f"RCPT TO:<{self.office.ann}>")
        if reply.startswith("250"):
            reply = w.ask("DATA")
        if not reply.startswith("354"):
            w.ask("RSET")
            return reply
        reply = w.ask(raw + b".\r\n")
        if reply.startswith("250"):
            self.there.add(tag)
            self.taken += 1
        elif not reply.startswith("4") or "not known" in reply:
            raise Wrong(f"a full disk is {reply!r}")
        return reply

    def until_refused(self):
        with self.office.wire("smtp") as w:
            w.reply()
            w.ask("EHLO client.test")
            for n in range(60):
                reply = self.send(w, SIZES[n % len(SIZES)])
                if not reply.startswith("250"):
                    self.refused += 1
                    if not reply.startswith("452 4.3.1"):
                        raise Wrong(f"a full disk is {reply!r}")
                    return

    def look(self, delete):
        """What is there is what was said; deletes so many."""
        with self.office.wire("pop3") as w:
            w.line()
            w.pop(f"USER {self.office.ann}")
            said = w.pop(f"PASS {o.PASSWORD}")
            if not said.startswith("+"):
                raise Wrong(f"nobody can read: {said}")
            tags, marked = [], []
            for n in range(1, int(w.pop("STAT").split()[1]) + 1):
                if not w.pop(f"TOP {n} 0").startswith("+"):
                    raise Wrong(f"message {n} cannot be read")
                tags += [re.match(rb"Subject: (\S+)", s)[1].decode() for s in w.multi() if s[:8] == b"Subject:"]
            if sorted(tags) != sorted(self.there):
                raise Wrong(f"said {sorted(self.there)}, there {sorted(tags)}")
            for n, tag in enumerate(tags[:delete]):
                w.pop(f"DELE {n + 1}")
                marked.append(tag)
            said = w.pop("QUIT")
        if said.startswith("+"):
            self.there -= set(marked)
            self.deleted += len(marked)
        elif said.startswith("-"):
            self.kept += 1
        else:
            raise Wrong(f"QUIT was answered {said!r}")

    def step(self, left):
        tag = self.tag()
        self.answer.clear()
        self.waiting.clear()
        with self.office.submit() as s:
            s.sendmail(self.office.ann, "x@far.test", f"Subject: {tag}\r\n\r\nx\r\n")
        self.sent.add(tag)
        if not self.waiting.wait(30):
            raise Wrong("mail does not go on")
        self.full.fill(left)
        self.answer.set()
        self.until_refused()
        self.look(1)
        self.look(0)
        self.full.room()
        end = time.monotonic() + 15
        with self.office.wire("smtp") as w:
            w.reply()
            w.ask("EHLO client.test")
            while not self.send(w, 100).startswith("250"):
                if time.monotonic() > end:
                    raise Wrong("there is room, and mail is refused")
                time.sleep(0.2)
        self.look(1000)
        if self.there:
            raise Wrong("there is room, and nothing can be deleted")

    def climb(self, steps):
        self.office.open()
        pids = sorted(self.office.children())
        for left in steps:
            try:
                self.step(left)
            except (Wrong, AssertionError, OSError) as error:
                raise Wrong(f"{left} free: {error}\n{self.office.log_tail(2000)}") from None
        o.wait_until(lambda: self.office.json("queue", "list") in ([], {"messages": []}), 60, "the queue is empty")
        lost = self.sent - {re.search(rb"Subject: (\S+)", m.octets)[1].decode() for m in self.far.messages}
        if lost:
            raise Wrong(f"did not go on: {lost}")
        if sorted(self.office.children()) != pids:
            raise Wrong("a process had to be started again")
        self.office.stop()
        self.office.must("fsck")

    def close(self):
        self.answer.set()
        self.office.destroy()
        self.far.close()
        time.sleep(0.2)
        self.full.remove()
        subprocess.run(["rm", "-rf", self.office.dir], check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("kinds", nargs="*", default=[])
    args = parser.parse_args()
    passed = failed = 0
    for kind in args.kinds or ("blocks", "inodes"):
        start, ladder = time.monotonic(), Ladder(kind)
        try:
            if not ladder.full.mounted:
                print("skipped: cannot mount a small file system", flush=True)
                continue
            ladder.climb(range(0, 41, 10 if args.short else 1))
            passed, wrong = passed + 1, ""
        except (Wrong, AssertionError) as error:
            failed, wrong = failed + 1, f": {error}"
        finally:
            ladder.close()
        print(f"{'FAIL' if wrong else 'ok'} {kind}: {ladder.taken} taken, {ladder.refused} refused, {ladder.deleted} "
              f"deleted, {ladder.kept} kept, {len(ladder.sent)} went on {len(ladder.far.messages)} times, "
              f"{time.monotonic() - start:.0f} s{wrong}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
