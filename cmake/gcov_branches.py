#!/usr/bin/env python3
"""Stands between gcovr and gcov: counts per line what all instantiations of a template did.

usage: gcov_branches.py <counts of a translation unit>.gcda [<options of gcovr>]

gcov's text, which gcovr 5.2 reads, does not say of a branch that was never executed whether it is
one of an exception, and numbers the branches of each instantiation with those of its exceptions:
what is covered in one looks missing in another. gcov's JSON says both. From it this writes the text
again, for the library's headers only: a line's count is the sum over its functions, and its
branches are numbered without the pairs that each call has (it returned, it threw).
"""
import collections
import hashlib
import json
import os
import pathlib
import subprocess
import sys

import tree

INCLUDE = tree.ROOT / "include"
MOST_COLUMNS, MOST_BRANCHES = 1000, 1000
OPTIONS = "--branch-counts --branch-probabilities --hash-filenames"


def decisions(branches):
    """The counts of the branches that are not those of a call: these come in pairs."""
    kept = []
    for branch in branches:
        if branch["throw"]:
            kept.pop()  # that the same call returned
        else:
            kept.append(branch["count"])
    return kept


def merge(file):
    """{line: [count, {number of a branch: its count}]}

    The number says where its function begins, so that those of a lambda stay apart from those of
    the function around it, and it is the same in all instantiations.
    """
    starts = {f["name"]: (f["start_line"], f["start_column"]) for f in file["functions"]}
    merged = collections.defaultdict(lambda: [0, collections.Counter()])
    for line in file["lines"]:
        if line.get("function_name") not in starts:
            continue  # of a function that the compiler made, as between a lambda and a pointer
        one = merged[line["line_number"]]
        one[0] += line["count"]
        start_line, column = starts[line["function_name"]]
        base = (abs(line["line_number"] - start_line) * MOST_COLUMNS + column) * MOST_BRANCHES
        for n, count in enumerate(decisions(line["branches"])):
            one[1][base + n] += count
    return merged


def as_text(source, lines):
    text = source.read_text(encoding="utf-8").splitlines()
    yield f"        -:    0:Source:{source}"
    for number, code in enumerate(text, start=1):
        count, branches = lines.get(number, (None, {}))
        shown = "-" if count is None else count or "#####"
        yield f"{shown:>9}:{number:>5}:{code}"
        for branch, taken in branches.items():
            yield f"branch {branch} taken {taken}"


def main(arguments):
    if arguments == ["--help"]:
        print(OPTIONS)  # gcovr asks what it may pass
        return 0
    counts = arguments[0]
    done = subprocess.run([os.environ.get("GCOV", "gcov"), "--json-format", "--stdout",
                           "--branch-probabilities", "--relative-only",
                           f"--source-prefix={INCLUDE}", counts],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        return done.returncode
    report = json.loads(done.stdout)
    for file in report["files"]:
        source = pathlib.Path(report["current_working_directory"], file["file"]).resolve()
        name = hashlib.md5(f"{counts} {source}".encode()).hexdigest() + ".gcov"
        text = "\n".join(as_text(source, merge(file)))
        pathlib.Path(name).write_text(text + "\n", encoding="utf-8")
        print(f"Creating '{name}'")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
