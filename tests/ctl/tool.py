"""What the tests of vmsigctl share: running it, and a served bus to run it against.

usage of each test file: test_x.py <vmsigctl> <serve> [<unittest argument>...]
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SERVE = sys.argv[1:3]
STUB = "stub:///default"
EVERY_RIGHT = "observe,memctx,memread,memwrite,input,power,admin"
LIMIT = 120  # seconds: for a machine that does much else


def environment(**more):
    env = {key: value for key, value in os.environ.items()
           if not key.startswith("VMSIG") and key not in ("NO_COLOR", "TMPDIR")}
    env.update({"LC_ALL": "C", "TERM": "xterm", **more})
    return env


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\n{self.out}{self.err}"


def vmsigctl(*words, uri=STUB, stdin=None, env=None, short="60s"):
    """Runs it to its end; with a --timeout that a loaded machine keeps, unless it is `short`."""
    command = [PROGRAM, f"--timeout={short}", *(["--uri", uri] if uri else []), *words]
    done = subprocess.run(command, env=env or environment(), input=stdin, timeout=LIMIT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return Result(done.returncode, done.stdout.decode("utf-8", "replace"),
                  done.stderr.decode("utf-8", "replace"))


def start(*words, uri):
    """Runs it and does not wait. The caller ends it."""
    return subprocess.Popen([PROGRAM, "--timeout", "60s", "--uri", uri, *words],
                            env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def end(process, signal=None):
    if signal is not None:
        process.send_signal(signal)
    out, err = process.communicate(timeout=LIMIT)
    return Result(process.returncode, out.decode(), err.decode())


def objects(result):
    if result.code != 0:
        raise AssertionError(result)
    return [json.loads(line) for line in result.out.splitlines()]


class Served:
    """Two machines on a socket: build-7 runs, db-1 is off."""

    def __init__(self, rights=EVERY_RIGHT, ranks=(0,)):
        self.folder = tempfile.TemporaryDirectory(prefix="vmsigctl-test-")
        self.path = self.folder.name + "/bus.sock"
        self.uri = "unix://" + self.path
        self.process = subprocess.Popen([SERVE, self.path, rights, *map(str, ranks)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError("nothing is served")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=LIMIT)
        self.folder.cleanup()

    def run(self, *words, **more):
        return vmsigctl(*words, uri=self.uri, **more)

    def start(self, *words):
        return start(*words, uri=self.uri)

    def revoke(self):
        """Everything, of everybody."""
        self.process.stdin.write(b"r")
        self.process.stdin.flush()


class Case(unittest.TestCase):
    maxDiff = None

    def ends(self, result, code, out=None, err=""):
        """It ended so; `out` to the letter, `err` as a part."""
        self.assertEqual(result.code, code, result)
        if out is not None:
            self.assertEqual(result.out, out, result)
        self.assertIn(err, result.err, result)
        if code == 0:
            self.assertEqual(result.err, "", result)

    def matches(self, result, pattern):
        self.assertEqual(result.code, 0, result)
        self.assertRegex(result.out, re.compile(rf"\A{pattern}\Z"), result)


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
