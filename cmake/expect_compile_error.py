#!/usr/bin/env python3
"""Runs a compiler on a source that must not compile.

usage: expect_compile_error.py <source> <compiler> <flag>...

Succeeds if the compiler fails with a message that matches the regular expression of the source's
first line, `// expect: <regex>`: the right refusal, not just any.
"""
import os
import re
import subprocess
import sys


def main(source, command):
    with open(source, encoding="utf-8") as file:
        expectation = re.fullmatch(r"// expect: (.+)", file.readline().rstrip("\n"))
    if not expectation:
        return f"{source}: the first line must be `// expect: <regex>`"
    compiler = subprocess.run([*command, source], text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, "LC_ALL": "C"})
    if compiler.returncode == 0:
        return f"{source}: compiled, and must not"
    if not re.search(expectation[1], compiler.stdout):
        return f"{compiler.stdout}\n{source}: no message matches: {expectation[1]}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
