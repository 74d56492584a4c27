#!/usr/bin/env python3
"""The demo under a kernel that fails: strace makes one system call at a time answer an errno.

    inject.py <demo> <call>...    each documented errno of each call, at several of its occasions

Whatever fails, the demo ends by itself: it says that every step held and exits with 0, or says what
went wrong and exits with something else. It is not ended by a signal, it does not hang, and it does
not say that all held when something did not. Exits with 77 where nobody may be traced.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HELD = "every step held"
UNREAD = "the output could not be written"
SECONDS = 40  # far beyond the ten for which the demo waits for anything

# What the manual pages document and a descriptor, a size or a system under pressure can cause.
OUT_OF_FDS = ("EMFILE", "ENFILE", "ENOMEM")
ERRNOS = {
    "epoll_create1": OUT_OF_FDS,
    "epoll_ctl": ("ENOMEM", "ENOSPC", "EPERM"),
    "epoll_wait": ("EINTR", "EBADF"),
    "eventfd2": OUT_OF_FDS + ("ENODEV",),
    "timerfd_create": OUT_OF_FDS,
    "timerfd_settime": ("EINVAL", "ECANCELED"),
    "memfd_create": OUT_OF_FDS + ("EPERM",),
    "pipe2": OUT_OF_FDS,
    "ftruncate": ("EINTR", "EFBIG", "EIO"),
    "fcntl": ("EINVAL", "EPERM", "EBUSY"),
    "openat": ("EMFILE", "EACCES", "ENOENT", "EINTR"),
    "newfstatat": ("ENOMEM", "EACCES"),
    "close": ("EINTR", "EIO"),
    "read": ("EINTR", "EAGAIN", "EIO"),
    "write": ("EINTR", "EAGAIN", "EIO", "ENOSPC", "EPIPE"),
    "pread64": ("EINTR", "EIO"),
    "poll": ("EINTR", "ENOMEM"),
    "mmap": ("ENOMEM", "EAGAIN"),
    "munmap": ("ENOMEM",),
    "madvise": ("ENOMEM", "EINVAL"),
    "socket": OUT_OF_FDS + ("EACCES",),
    "socketpair": OUT_OF_FDS,
    "bind": ("EADDRINUSE", "EACCES", "ENOMEM"),
    "listen": ("EADDRINUSE",),
    "connect": ("ECONNREFUSED", "EACCES", "ENOENT", "EAGAIN", "EINTR"),
    "accept4": OUT_OF_FDS + ("ECONNABORTED", "EINTR", "EAGAIN", "EPERM"),
    "getsockopt": ("ENOBUFS", "ENOPROTOOPT"),
    "setsockopt": ("ENOMEM", "EPERM"),
    "sendmsg": ("EINTR", "EAGAIN", "ENOBUFS", "EPIPE", "ECONNRESET"),
    "recvmsg": ("EINTR", "EAGAIN", "ENOMEM", "ECONNRESET"),
    "sendto": ("EINTR", "EAGAIN", "ENOBUFS", "EPIPE", "ECONNRESET"),
    "recvfrom": ("EINTR", "EAGAIN", "ENOMEM", "ECONNRESET"),
    "clone3": ("EAGAIN", "ENOMEM"),
    "wait4": ("EINTR", "ECHILD"),
    "setgroups": ("EPERM", "ENOMEM"),
    "setgid": ("EPERM",),
    "setuid": ("EPERM", "EAGAIN"),
    "mkdir": ("EACCES", "ENOSPC", "EEXIST"),
    "chmod": ("EPERM", "EROFS"),
    "chown": ("EPERM", "EROFS"),
    "flock": ("EINTR", "ENOLCK", "EWOULDBLOCK"),
}  # not brk: the kernel answers it with the old break, never with an errno
OF_ROOT = {"setgroups", "setgid", "setuid", "chown"}  # nobody else makes them
OCCASIONS = 5  # of each errno in each process, from the first of the calls to the last


def run(command):
    """Exit code (negative: the signal) and all that was said, or None after too long."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            return None, ""
        said.seek(0)
        return process.returncode, said.read().decode(errors="replace")


def traced(demo, log, *options):
    return ["strace", "-f", "-qq", "-o", log, *options, demo, "--backend", "stub", "--plain"]


def skip(why):
    print(f"SKIPPED: {why}", flush=True)
    sys.exit(77)


def occasions(count):
    """At most OCCASIONS numbers from 1 to count, the ends among them."""
    if count <= OCCASIONS:
        return range(1, count + 1)
    return sorted({1 + round(i * (count - 1) / (OCCASIONS - 1)) for i in range(OCCASIONS)})


def problem(code, said, before_main):
    """What is wrong with an end like this, or None."""
    if code is None:
        return "hangs"
    if before_main and code != 0:
        return None  # the dynamic linker's own way to fail
    if code < 0 or code >= 128:
        return f"ended by signal {-code if code < 0 else code - 128}"
    if code == 0 and HELD not in said:
        return "exits with 0 and does not say that all held"
    if code not in (0, 1):
        return f"exits with {code}"
    if code != 0 and HELD in said and UNREAD not in said:
        return f"exits with {code} and says that all held"
    if code != 0 and not said.strip():
        return f"exits with {code} and says nothing"
    return None


def injected(demo, call, errno, when, log):
    code, said = run(traced(demo, log, "-e", "trace=" + call, "-e",
                            f"inject={call}:error={errno}:when={when}"))
    with open(log, encoding="utf-8", errors="replace") as trace:
        happened = "(INJECTED)" in trace.read()
    return code, said, happened


def main():
    demo, calls = sys.argv[1], sys.argv[2:]
    unknown = [call for call in calls if call not in ERRNOS]
    if unknown:
        sys.exit(f"no errnos are listed for {' '.join(unknown)}")
    if not shutil.which("strace"):
        skip("there is no strace")
    if os.geteuid() != 0 and OF_ROOT & set(calls):
        skip("only root can become another user")
    failures, runs = [], 0
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "trace")
        code, said = run(traced(demo, log))
        if code == 1 and "ptrace" in said:
            skip("nobody may be traced here")
        if code != 0 or HELD not in said:
            sys.exit(f"undisturbed, the demo exits with {code}:\n{said}")
        with open(log, encoding="utf-8", errors="replace") as trace:
            lines = trace.read().splitlines()
        # The dynamic linker's calls come first. Each process counts its own.
        host = lines[0].split()[0]
        first_of_main = next((i for i, line in enumerate(lines) if " prlimit64(" in line), 0)
        for call in calls:
            made = {}
            for i, line in enumerate(lines):
                if re.search(rf"\b{call}\(", line):
                    made.setdefault(line.split()[0], []).append(i)
            if not made:
                sys.exit(f"the demo does not call {call}: take it off the list")
            by_host = made.get(host, [])
            before_main = sum(i <= first_of_main for i in by_host)
            numbers = sorted({n for by in made.values() for n in occasions(len(by))})
            hits = 0
            for errno in ERRNOS[call]:
                for when in numbers:
                    code, said, happened = injected(demo, call, errno, when, log)
                    runs += 1
                    hits += happened
                    wrong = problem(code, said, when <= before_main)
                    if wrong:
                        failures.append(f"{call} number {when}, {errno}: {wrong}\n{said[-800:]}")
            if hits == 0:
                failures.append(f"{call}: nothing was ever injected")
    for failure in failures:
        print(failure)
    print(f"{runs} runs, {len(failures)} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
