#!/usr/bin/env python3
"""What the tests cover, per module: runs gcovr as gcovr.cfg says, and holds it to the thresholds.

usage: coverage.py [--missing] <root of the tree> <folder of the build>

Ends with 1 if a module that must be covered wholly is not, or if the total is below the thresholds
of gcovr.cfg. With --missing it also prints each line, and each branch of a line, that nobody took.
"""
import collections
import json
import pathlib
import shlex
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
HEADERS = "include/vmsig/"
WHOLLY = ("endpoint", "grant", "lease", "memctx")
BELOW = 2 | 4  # what gcovr adds to its exit status, for lines and for branches


class tally:
    def __init__(self):
        self.taken = self.all = 0

    def count(self, taken):
        self.taken += bool(taken)
        self.all += 1

    def __str__(self):
        share = 100 * self.taken / self.all if self.all else 100
        return f"{self.taken:>6} of {self.all:<6}{share:>6.1f} %"


def module_of(name):
    inside = pathlib.PurePosixPath(name).relative_to(HEADERS)
    return inside.parts[0] if len(inside.parts) > 1 else "."


def code_lines(file):
    return [line for line in file["lines"] if not line["gcovr/noncode"]]


def summarise(report):
    """{module: (lines, branches)}"""
    modules = collections.defaultdict(lambda: (tally(), tally()))
    for file in report["files"]:
        lines, branches = modules[module_of(file["file"])]
        for line in code_lines(file):
            lines.count(line["count"])
            for branch in line["branches"]:
                branches.count(branch["count"])
    return modules


def missing(root, report):
    for file in report["files"]:
        text = (root / file["file"]).read_text(encoding="utf-8").splitlines()
        for line in code_lines(file):
            taken = [branch["count"] > 0 for branch in line["branches"]]  # by their numbers
            if line["count"] and all(taken):
                continue
            number = line["line_number"]
            marks = "".join("+" if t else "-" for t in taken) if line["count"] else "never"
            yield f"{file['file']}:{number}: [{marks}] {text[number - 1].strip()}"


def unseen(root, report):
    """Headers of which no test made code: types, constants and templates that nobody used."""
    seen = {file["file"] for file in report["files"] if code_lines(file)}
    for path in sorted((root / HEADERS).rglob("*.[hi]pp")):
        name = path.relative_to(root).as_posix()
        if name not in seen and module_of(name) not in ("kvm", "qemu"):
            yield name.removeprefix(HEADERS)


def run_gcovr(root, build):
    if not shutil.which("gcovr"):
        sys.exit("coverage: gcovr is missing; on Debian: apt install gcovr (5.2 or later)")
    output = build / "coverage.json"
    gcov = f"{shlex.quote(sys.executable)} {shlex.quote(str(HERE / 'gcov_branches.py'))}"
    done = subprocess.run(["gcovr", "--root", root, "--object-directory", build, build,
                           "--gcov-executable", gcov, "--json", output, "-j", "2"],
                          cwd=root, check=False)
    if done.returncode & ~BELOW:
        sys.exit(done.returncode)
    return json.loads(output.read_text(encoding="utf-8")), done.returncode


def main(arguments):
    options = [word for word in arguments if word.startswith("--")]
    if options not in ([], ["--missing"]) or len(arguments) - len(options) != 2:
        sys.exit(__doc__)
    root, build = (pathlib.Path(word).resolve() for word in arguments if word not in options)
    report, below = run_gcovr(root, build)
    if options:
        print(*missing(root, report), sep="\n")
    print("without code of its own:", *unseen(root, report))
    total, wanting = (tally(), tally()), []
    print(f"{'':<12}{'lines':>18}{'branches':>26}")
    for module, counts in sorted(summarise(report).items()):
        print(f"{module:<12}{counts[0]}    {counts[1]}")
        for sum_, count in zip(total, counts):
            sum_.taken += count.taken
            sum_.all += count.all
        if module in WHOLLY and any(count.taken < count.all for count in counts):
            wanting.append(module)
    print(f"{'total':<12}{total[0]}    {total[1]}")
    if wanting:
        print("not covered wholly:", *wanting)
    return 1 if wanting or below else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
