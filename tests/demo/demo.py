#!/usr/bin/env python3
"""What surrounds the demo's story: who tells it, and how it ends when its operator does not play.

    demo.py <demo> <case>

The demo is held up by its reader: what it prints goes into a socket with room for a few lines, so
that it can be disturbed in the middle of a step. Exits with 77 where a case can not be tried.
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

NOBODY = 65534
HELD = "every step held"
SECONDS = 60  # far beyond what it waits for anything


def fail(why, said=""):
    sys.exit(f"{why}\n{said}")


def skip(why):
    print(f"SKIPPED: {why}", flush=True)
    sys.exit(77)


class telling:
    """The demo on a stub, its lines read one at a time."""

    def __init__(self, demo, *options, **how):
        here, there = socket.socketpair()
        there.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the kernel's least
        here.settimeout(SECONDS)
        self.process = subprocess.Popen([demo, "--backend", "stub", *options],
                                        stdin=subprocess.DEVNULL, stdout=there,
                                        stderr=there, **how)
        there.close()
        self.lines = here.makefile(encoding="utf-8")
        self.said = ""

    def until(self, pattern):
        """Reads up to the line that matches."""
        for line in self.lines:
            self.said += line
            found = re.search(pattern, line)
            if found:
                return found
        fail(f"never said: {pattern}", self.said)

    def end(self):
        """Its exit code, once all is read."""
        self.said += self.lines.read()
        code = self.process.wait(SECONDS)
        if os.path.exists(self.folder()):
            fail(f"left behind: {self.folder()}")
        return code

    def folder(self):
        """Where its socket is."""
        return re.search(r"attaches at (\S+)/socket", self.said)[1]

    def operator(self):
        """The operator's process, once it drives the machine."""
        pid = int(self.until(r"started process (\d+) for the operator")[1])
        self.until(r"ok +operator +types its first key")
        return pid


def gone(pid):
    return not os.path.exists(f"/proc/{pid}")


def await_end(pid):
    """Of somebody else's child; nobody may have reaped it yet."""
    deadline = time.monotonic() + SECONDS
    while not gone(pid):
        try:
            if "(zombie)" in open(f"/proc/{pid}/status", encoding="utf-8").read():
                return
        except (FileNotFoundError, ProcessLookupError):
            return
        if time.monotonic() > deadline:
            fail(f"process {pid} is still there")
        time.sleep(0.01)


def disturbed(demo, how, complaint):
    """The operator is sent a signal in the middle of the story."""
    story = telling(demo, "--plain")
    pid = story.operator()
    os.kill(pid, how)
    code = story.end()
    if code != 1 or HELD in story.said:
        fail(f"exits with {code}", story.said)
    if not re.search(rf"FAILED +host +{complaint}", story.said):
        fail(f"does not say: {complaint}", story.said)
    if not re.search(r"ok +host +what it held is free again", story.said):
        fail("does not say that the leases are free", story.said)
    if not gone(pid):
        fail(f"process {pid} is still there", story.said)


def dies(demo):
    disturbed(demo, signal.SIGKILL, "the operator's process has ended .*: killed by signal 9")


def hangs(demo):
    disturbed(demo, signal.SIGSTOP, "the operator's process said nothing for 12 s: killed")


def host_dies(demo):
    """Then its operator ends too."""
    story = telling(demo, "--plain")
    pid = story.operator()
    story.process.kill()
    story.process.wait(SECONDS)
    story.said += story.lines.read()
    if os.path.exists(story.folder()):
        fail(f"left behind: {story.folder()}")
    await_end(pid)


def another_user(demo):
    """The operator is nobody in all respects, while the host stays who it is."""
    if os.geteuid() != 0:
        skip("only root can become another user")
    story = telling(demo, "--plain")
    pid = story.operator()
    status = open(f"/proc/{pid}/status", encoding="utf-8").read()
    ids = dict(re.findall(r"^(Uid|Gid|Groups|CapPrm):[ \t]*(.*?)[ \t]*$", status, re.MULTILINE))
    want = {"Uid": "\t".join([str(NOBODY)] * 4), "Gid": "\t".join([str(NOBODY)] * 4),
            "Groups": "", "CapPrm": "0" * 16}
    if ids != want:
        fail(f"is {ids}")
    descriptors = {os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")}
    if story.end() != 0 or HELD not in story.said or not gone(pid):
        fail("did not end well", story.said)
    foreign = [d for d in descriptors if not re.match("socket:|/memfd:|/dev/null", d)]
    if foreign:
        fail(f"has descriptors that are not its business: {foreign}")


def same_user(demo):
    """Whoever is not root cannot start anybody else, and is told so."""
    how = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        story = telling(demo, "--plain", **how)
    except PermissionError:
        skip("another user can not run the demo where it is")
    said = story.until(r"started process \d+ for the operator: (.*)")[1]
    uid = NOBODY if how else os.geteuid()
    if said != f"it stays uid {uid}: only root can become another":
        fail(f"says: {said}")
    if story.end() != 0 or HELD not in story.said:
        fail("did not end well", story.said)


def same_story(demo):
    """Both halves have the same steps and checks; the second has more, about the process."""
    story = telling(demo, "--json")
    if story.end() != 0:
        fail("did not end well", story.said)
    halves = []
    for line in story.said.splitlines():
        row = json.loads(line)
        if row["event"] == "part":
            halves.append([])
        elif row["event"] in ("step", "held"):
            what = re.sub(r"0x[0-9a-f]+|\d+", "#", row["what"])
            halves[-1].append((row["event"], row["who"], what))
    if len(halves) != 2 or len(halves[0]) < 60:
        fail(f"has {[len(half) for half in halves]} checks and steps", story.said)
    missing = [row for row in halves[0] if row not in halves[1]]
    own = [row for row in halves[1] if row not in halves[0]]
    if missing or [who for _, who, _ in own] != ["host"] * 3:
        fail(f"of the first half are missing: {missing}; of its own: {own}")


CASES = (dies, hangs, host_dies, another_user, same_user, same_story)


def main():
    demo, name = sys.argv[1], sys.argv[2]
    next(case for case in CASES if case.__name__ == name)(demo)


if __name__ == "__main__":
    main()
