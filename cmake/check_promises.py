#!/usr/bin/env python3
"""docs/promises.md keeps its word: each row names tests that exist, or says `not yet: why`.

usage: check_promises.py [--self-test] [<root of the tree>]
       check_promises.py --ran <build folder>

Names are those that ctest lists, derived from the sources so that nothing needs to be built; a
benchmark is named `bench <name>`. Whether a test truly shows the promise is for a reader to judge.

--ran, after a whole run of ctest: each test that the page names ran there and passed. Those that
were skipped, or are of a part that is not built everywhere, are listed with the reason.
"""
import pathlib
import re
import sys

import tree

PAGE = "docs/promises.md"
PROMISES = ["§", "promise", "shown by"]
FAULTS_TABLE = ["#", "what goes wrong, and what is done", "shown by"]
INVARIANTS = ["#", "what always holds", "shown by"]
TABLES = (PROMISES, FAULTS_TABLE, INVARIANTS)  # in this order
COLUMNS = 3
LOG = "Testing/Temporary/LastTest.log"
# Built only where the machine or the compiler can.
OPTIONAL = ("kvm/", "libfuzzer/")
NOT_YET = "not yet: "

STRING = r'"(?:[^"\\\n]|\\.)*"'
TEST_CASE = re.compile(rf"^(TEMPLATE_)?TEST_CASE\(\s*((?:{STRING}\s*)+)(?:,(.*?))?\)\s*\{{",
                       re.MULTILINE | re.DOTALL)
ADD_TEST = re.compile(r"\badd_test\(\s*NAME\s+([\w.]+)[\s)]")
ADD_BY_FUNCTION = re.compile(r"\bvmsig_add_(style|consumer)_test\((\w[\w.]*)")
CODE = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)")  # in Markdown; more backticks allow fewer inside
PREFIX_OF_FUNCTION = {"style": "style.", "consumer": "package."}


def test_cases(text):
    """The names of Catch2 test cases as ctest lists them, without their module."""
    for case in TEST_CASE.finditer(text):
        literals = re.findall(STRING, case[2])
        name = "".join(re.sub(r"\\(.)", r"\1", literal[1:-1]) for literal in literals)
        if case[1]:  # TEMPLATE_TEST_CASE(name, tags, type...)
            types = re.sub(r"\s+", "", case[3]).split(",")[1:]
            yield from (f"{name} - {one}" for one in types)
        else:
            yield name


def names_of(path, text):
    """Every test that a file of the tree defines."""
    parts = path.parts
    if path.name.endswith(".fuzz.cpp"):
        stem = path.name.removesuffix(".fuzz.cpp")
        yield from (f"fuzz/{stem}", f"libfuzzer/{stem}")
    elif path.suffix == ".cpp" and parts[0] == "tests" and len(parts) == 3:
        yield from (f"{parts[1]}/{name}" for name in test_cases(text))
        if parts[1] == "compile_fail":
            yield f"compile_fail.{path.stem}"
    elif path.suffix == ".cpp" and parts[0] == "examples":
        yield f"example.{path.stem}"
    elif path.name.endswith(".bench.cpp"):
        yield f"bench {path.name.removesuffix('.bench.cpp')}"
    elif path.name == "CMakeLists.txt":
        yield from (name[1] for name in ADD_TEST.finditer(text))
        for name in ADD_BY_FUNCTION.finditer(text):
            yield PREFIX_OF_FUNCTION[name[1]] + name[2]


def tests_in(root):
    return {name for path in tree.files(root)
            if path.suffix == ".cpp" or path.name == "CMakeLists.txt"
            for name in names_of(path, (root / path).read_text(encoding="utf-8"))}


def rows(page):
    """(line number, cells) of each line of a table, headers and rulers included."""
    for number, line in enumerate(page.splitlines(), start=1):
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip()[1:-1])
            yield number, [cell.replace(r"\|", "|").strip() for cell in cells]


def tables(page):
    """(header, [(line number, cells)]) of each table of the page."""
    found = []
    for number, cells in rows(page):
        if cells in TABLES:
            found.append((cells, []))
        elif found and not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            found[-1][1].append((number, cells))
        elif not found:
            found.append((None, []))
    return found


def names_in(shown_by):
    return [code[2] for code in CODE.finditer(shown_by)]


def row_problems(cells, tests):
    if len(cells) != COLUMNS:
        yield f"{len(cells)} cells, not {COLUMNS}"
        return
    _, promise, shown_by = cells
    if not promise:
        yield "no promise"
    if shown_by.startswith(NOT_YET) and "`" not in shown_by:
        return
    names = names_in(shown_by)
    if not names or CODE.sub("", shown_by).strip(", "):
        yield f"neither tests in backticks nor '{NOT_YET}<reason>': {shown_by!r}"
    for name in names:
        if name not in tests:
            yield f"no such test: {name}"


def number_problem(header, label, before):
    """Sections rise; faults and invariants are numbered from 1 without a hole."""
    if header == PROMISES:
        last = int(before) if before else 0
        if not label.isdigit():
            return "no section"
        return f"section {label} after section {last}" if int(label) < last else None
    letter = "I" if header == INVARIANTS else ""
    expected = f"{letter}{int(before.removeprefix(letter)) + 1 if before else 1}"
    return None if label == expected else f"number {label}, not {expected}"


def check(root):
    if not (root / PAGE).is_file():
        return [f"{PAGE} is missing"]
    found = tables((root / PAGE).read_text(encoding="utf-8"))
    if [header for header, _ in found] != list(TABLES):
        wanted = "; ".join(" | ".join(header) for header in TABLES)
        return [f"{PAGE}: not these tables, in this order: {wanted}"]
    problems, tests = [], tests_in(root)
    for header, table in found:
        seen, before = {}, None
        for number, cells in table:
            problems += [f"{PAGE}:{number}: {problem}" for problem in row_problems(cells, tests)]
            if problem := number_problem(header, cells[0], before):
                problems.append(f"{PAGE}:{number}: {problem}")
            else:
                before = cells[0]
            if len(cells) != COLUMNS:
                continue
            if cells[1] in seen:
                problems.append(f"{PAGE}:{number}: the words of line {seen[cells[1]]} again")
            seen.setdefault(cells[1], number)
        if not table:
            problems.append(f"{PAGE}: the table {' | '.join(header)} is empty")
    return problems


def runs_in(log):
    """{test: "passed", "skipped: <why>" or what ctest said}, of the log of a run of ctest."""
    results = {}
    for record in re.split(r"^\d+/\d+ Testing: ", log, flags=re.MULTILINE)[1:]:
        name, _, said = record.partition("\n")
        verdict = re.search(r"^Test (Passed|Skipped|Failed|Not Run|Timeout)", said, re.MULTILINE)
        result = verdict[1].lower() if verdict else "without a result"
        skipped = re.search(r"^SKIPPED: (.*)$", said, re.MULTILINE)
        if skipped and result in ("passed", "skipped"):
            result = f"skipped: {skipped[1]}"
        results[name.strip()] = result
    return results


def check_ran(root, build):
    """Prints what was left out; returns what is named and did not pass."""
    log = pathlib.Path(build) / LOG
    if not log.is_file():
        return [f"{log} is missing: no test ran"]
    results = runs_in(log.read_text(encoding="utf-8", errors="replace"))
    named = {name for _, table in tables((root / PAGE).read_text(encoding="utf-8"))
             for _, cells in table for name in names_in(cells[-1])}
    named = sorted(name for name in named if not name.startswith("bench "))
    absent = [part for part in OPTIONAL if not any(test.startswith(part) for test in results)]
    problems, left_out = [], 0
    for name in named:
        result = results.get(name, "did not run")
        if result == "did not run" and name.startswith(tuple(absent)):
            result = "skipped: not built here"
        if result.startswith("skipped: "):
            print(f"not shown here: {name} ({result.removeprefix('skipped: ')})")
            left_out += 1
        elif result != "passed":
            problems.append(f"{PAGE} names {name}: {result}")
    print(f"{len(named) - left_out - len(problems)} of the {len(named)} tests that {PAGE} names "
          f"ran and passed, {left_out} were left out")
    return problems


RULER = "|---|---|---|"


def page(*lines, faults=("| 1 | F. | not yet: x |",), invariants=("| I1 | I. | not yet: x |",)):
    parts = ["# Promises\n"]
    for header, table in zip(TABLES, (lines, faults, invariants)):
        parts += ["| " + " | ".join(header) + " |", RULER, *table, ""]
    return "\n".join(parts)


FIRST = "| 1 | Ids a \\| b. | `base/ids are new`, ``base/a \"quote\" `b` \\| c`` |"
CLEAN = {
    "docs/promises.md": page(
        FIRST, "| 2 | Views read. | `guest/reads - pread_view`, `guest/reads - mapped_view` |",
        "| 3 | It is fast. | `bench emit`, `demo.stub`, `example.1_one_event` |",
        "| 12 | It installs. | `package.find_package`, `style.layers.self_test` |",
        "| 12 | Misuse is refused. | `compile_fail.bare`, `package.install` |",
        "| 12 | It completes. | not yet: io_uring |",
        faults=("| 1 | It breaks. | `base/ids are new` |", "| 2 | It ends. | not yet: x |"),
        invariants=("| I1 | It holds. | `demo.stub` |", "| I2 | It stays. | `demo.stub` |")),
    "tests/base/ids.test.cpp": "TEST_CASE(\"ids are new\") {}\n"
    "TEST_CASE(\"a \\\"quote\\\" `b` | c\", \"[tag]\") {\n}\n// TEST_CASE(\"gone\") {}\n",
    "tests/guest/view.test.cpp": "TEMPLATE_TEST_CASE(\"reads\", \"\", pread_view,\n"
    "                   mapped_view) {\n}\n",
    "tests/compile_fail/bare.cpp": "// expect: error\n",
    "tests/CMakeLists.txt": "function(vmsig_add_style_test name)\n"
    "    add_test(NAME style.${name} COMMAND ${ARGN})\nendfunction()\n"
    "vmsig_add_style_test(layers.self_test Python3::Interpreter x.py)\n",
    "tests/package/CMakeLists.txt": "add_test(NAME package.install\n    COMMAND x)\n"
    "vmsig_add_consumer_test(find_package -DX=1)\n",
    "src/tools/demo/CMakeLists.txt": "add_test(NAME demo.stub COMMAND vmsig-demo)\n",
    "examples/1_one_event.cpp": "int main() {}\n",
    "bench/emit.bench.cpp": "int main() {}\n",
}
FAULTS = (
    ("docs/promises.md", "# Promises\n", "not these tables"),
    ("docs/promises.md", "| § | promise | shown by |\n" + RULER + "\n" + FIRST, "not these tables"),
    ("docs/promises.md", "| § | promise |\n|---|---|\n" + page(FIRST), "not these tables"),
    ("docs/promises.md", page(FIRST, faults=()), "is empty"),
    ("docs/promises.md", page(FIRST, faults=("| 2 | A. | not yet: x |",)), "number 2, not 1"),
    ("docs/promises.md", page(FIRST, faults=("| 1 | A. | `base/gone` |",)), "no such test"),
    ("docs/promises.md", page(FIRST, invariants=("| 1 | A. | not yet: x |",)), "1, not I1"),
    ("docs/promises.md", page(FIRST, invariants=("| I1 | A. | not yet: x |",
                                                 "| I3 | B. | not yet: x |")), "I3, not I2"),
    ("docs/promises.md", page(FIRST, "| 1 | A. | `base/gone` |"), "no such test: base/gone"),
    ("docs/promises.md", page(FIRST, "| 1 | A. | `guest/reads` |"), "no such test: guest/reads"),
    ("docs/promises.md", page(FIRST, "| 1 | A. | `bench none` |"), "no such test: bench none"),
    ("docs/promises.md", page(FIRST, "| 1 | A. |  |"), "neither tests"),
    ("docs/promises.md", page(FIRST, "| 1 | A. | not yet |"), "neither tests"),
    ("docs/promises.md", page(FIRST, "| 1 | A. | base/ids are new |"), "neither tests"),
    ("docs/promises.md", page(FIRST, "| 1 | A. | see `base/ids are new` |"), "neither tests"),
    ("docs/promises.md", page(FIRST, "| 1 | A. | not yet: see `base/gone` |"), "neither tests"),
    ("docs/promises.md", page(FIRST, "| 1 | `base/ids are new` |"), "2 cells"),
    ("docs/promises.md", page(FIRST, "| x | A. | not yet: x |"), "no section"),
    ("docs/promises.md", page("| 2 | A. | not yet: x |", FIRST), "section 1 after section 2"),
    ("docs/promises.md", page(FIRST, FIRST), "the words of line 5 again"),
    ("tests/base/ids.test.cpp", "// Empty.\n", "no such test: base/ids are new"),
)



def log_of(*results):
    """As ctest writes it: (test, output, what it said)."""
    return "Start testing: today\n----\n" + "".join(
        f"{n}/9 Testing: {test}\n{n}/9 Test: {test}\nCommand: \"x\"\nOutput:\n----\n{output}\n"
        f"<end of output>\n----\n{said}\n\"{test}\" end time: now\n----\n\n"
        for n, (test, output, said) in enumerate(results, start=1)) + "End testing: today\n"


RAN = [("base/ids are new", "", "Test Passed."), ('base/a "quote" `b` | c', "x", "Test Passed."),
       ("demo.stub", "SKIPPED: no terminal", "Test Passed.")]
RAN_PAGE = page(FIRST, "| 2 | B. | `demo.stub`, `bench emit`, `kvm/boots` |")
RAN_FAULTS = (
    (log_of(*RAN[1:]), "names base/ids are new: did not run"),
    (log_of(*RAN[:2]), "names demo.stub: did not run"),
    (log_of(*RAN, ("kvm/resets", "", "Test Passed.")), "names kvm/boots: did not run"),
    (log_of(("base/ids are new", "", "Test Failed."), *RAN[1:]), "ids are new: failed"),
    (log_of(("base/ids are new", "SKIPPED: x", "Test Failed."), *RAN[1:]), "new: failed"),
    (log_of(("base/ids are new", "", "Test Timeout"), *RAN[1:]), "ids are new: timeout"),
    (log_of(("base/ids are new", "", ""), *RAN[1:]), "new: without a result"),
)


def self_test_ran():
    """The same for --ran: {log: text} in the place of a build folder."""
    def ran(root):
        return check_ran(root, root)
    clean = {PAGE: RAN_PAGE, LOG: log_of(*RAN)}
    return tree.self_test(ran, clean, [(LOG, log, expected) for log, expected in RAN_FAULTS])


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--self-test" in arguments:
        sys.exit(tree.self_test(check, CLEAN, FAULTS) or self_test_ran())
    if "--ran" in arguments:
        sys.exit(tree.report(check_ran(tree.ROOT, arguments[arguments.index("--ran") + 1])))
    sys.exit(tree.report(check(pathlib.Path(arguments[0]) if arguments else tree.ROOT)))
