#!/usr/bin/env python3
"""The test executables under valgrind: memcheck, leaks, and descriptors that are left open.

    run.py <build folder> [<folder of tests>...]     all, unless some are named

What repeats itself is done less often. What is left out cannot be run here, and says why.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

VALGRIND = ["valgrind", "--quiet", "--error-exitcode=9", "--track-fds=yes", "--leak-check=full",
            "--errors-for-leak-kinds=definite", "--fair-sched=yes"]
LESS = {"VMSIG_SIM_SEEDS": "2", "VMSIG_SIM_STEPS": "300", "VMSIG_TEST_RAM_READS": "2000",
        "RC_PARAMS": "max_success=10", "VMSIG_TEST_REPETITIONS": "50",
        "VMSIG_ATTACH_CYCLES": "300", "VMSIG_EXHAUSTIVE_LENGTH": "3"}
# By folder: test cases that are left out, and why.
LEFT_OUT = {
    "kvm": ("*", "valgrind does not know the memory that KVM writes"),
    "client": ("*forked child that destroys*,*no room for a descriptor*,*without memory*",
               "what such a child leaves at _exit counts as lost; and as in transport and errno"),
    "transport": ("*forked child that destroys*,*without room for each*,*at the limit of desc*",
                  "as above; valgrind keeps descriptors of its own at the limit, which is its own"),
    "guest": ("a guest that flips its tables*", "threads take turns there: nothing comes between"),
    "errno": ("*memory*,*uses up no anchor*,a loop whose wait or timer fails*",
              "valgrind has an allocator of its own, and is too slow to arm what is due in 1 ms"),
    "simkernel": ("*beyond the limit*", "as in transport"),
    "core": ("*system call*,*make no call that could wait*", "valgrind makes calls in the jail"),
    "process": ("*system calls*,*the library reads CLOCK*,*an alarm 10*,*a guest flips*,"
                "*another thread runs the bus*",
                "as above, in guest and in client; its clock and its signals are its own"),
}


def filters(name):
    if name not in LEFT_OUT:
        return []
    return ["~" + pattern for pattern in LEFT_OUT[name][0].split(",")]


def left_open(log):
    """The descriptors that valgrind says were opened here and are open at the end."""
    return [line for line, after in re.findall(
        r"(Open (?:file descriptor|AF_\w+ socket) \d+:[^\n]*)\n([^\n]*)", log)
        if "<inherited from parent>" not in after]


def run(executable, name):
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        started = time.monotonic()
        done = subprocess.run(
            [*VALGRIND, f"--log-file={log}.%p", executable, *filters(name)],
            env={**os.environ, **LESS}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=1800, check=False)
        seconds = time.monotonic() - started
        texts = {path.name: path.read_text(errors="replace")
                 for path in pathlib.Path(folder).iterdir()}
    said = done.stdout.decode(errors="replace")
    problems = []
    if done.returncode not in (0, 77):
        problems.append(f"exits with {done.returncode}\n{said[-3000:]}")
    # The first process is the test itself; the others are children that it forked, which leave
    # without closing anything.
    first = texts[min(texts, key=lambda n: int(n.rsplit('.', 1)[1]))] if texts else ""
    problems += left_open(first)
    if done.returncode == 9:
        problems += [text[:4000] for text in texts.values() if text.strip()]
    print(f"{name}: {len(problems)} problems, {seconds:.0f} s", flush=True)
    return problems


def main():
    build, wanted = pathlib.Path(sys.argv[1]), sys.argv[2:]
    failed = False
    for executable in sorted((build / "tests").glob("vmsig-test-*")):
        name = executable.name.removeprefix("vmsig-test-")
        if not os.access(executable, os.X_OK) or executable.is_dir():
            continue
        if wanted and name not in wanted:
            continue
        pattern, why = LEFT_OUT.get(name, ("", ""))
        if why:
            print(f"{name}: without {pattern}: {why}")
        if pattern == "*":
            continue
        for problem in run(str(executable), name):
            failed = True
            print(problem)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
