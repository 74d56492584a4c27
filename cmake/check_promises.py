#!/usr/bin/env python3
"""docs/promises.md keeps its word: each promise names tests that exist, or says `not yet: why`.

usage: check_promises.py [--self-test] [<root of the tree>]

Names are those that ctest lists, derived from the sources so that nothing needs to be built; a
benchmark is named `bench <name>`. Whether a test truly shows the promise is for a reader to judge.
"""
import pathlib
import re
import sys

import tree

PAGE = "docs/promises.md"
HEADER = ["§", "promise", "shown by"]
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
    """(line number, cells) of each line of the table, its header and ruler included."""
    for number, line in enumerate(page.splitlines(), start=1):
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip()[1:-1])
            yield number, [cell.replace(r"\|", "|").strip() for cell in cells]


def row_problems(cells, tests):
    if len(cells) != len(HEADER):
        yield f"{len(cells)} cells, not {len(HEADER)}"
        return
    section, promise, shown_by = cells
    if not section.isdigit() or not promise:
        yield "no section or no promise"
    if shown_by.startswith(NOT_YET) and "`" not in shown_by:
        return
    names = [code[2] for code in CODE.finditer(shown_by)]
    if not names or CODE.sub("", shown_by).strip(", "):
        yield f"neither tests in backticks nor '{NOT_YET}<reason>': {shown_by!r}"
    for name in names:
        if name not in tests:
            yield f"no such test: {name}"


def check(root):
    if not (root / PAGE).is_file():
        return [f"{PAGE} is missing"]
    table = list(rows((root / PAGE).read_text(encoding="utf-8")))
    if len(table) < 3 or table[0][1] != HEADER:
        return [f"{PAGE}: no table with the columns {' | '.join(HEADER)}"]
    problems, seen, last, tests = [], {}, 0, tests_in(root)
    for number, cells in table[2:]:
        problems += [f"{PAGE}:{number}: {problem}" for problem in row_problems(cells, tests)]
        if len(cells) != len(HEADER) or not cells[0].isdigit():
            continue
        if int(cells[0]) < last:
            problems.append(f"{PAGE}:{number}: section {cells[0]} after section {last}")
        last = int(cells[0])
        if cells[1] in seen:
            problems.append(f"{PAGE}:{number}: the promise of line {seen[cells[1]]} again")
        seen.setdefault(cells[1], number)
    return problems


def page(*lines):
    return "# Promises\n\n| § | promise | shown by |\n|---|---|---|\n" + "\n".join(lines) + "\n"


FIRST = "| 1 | Ids a \\| b. | `base/ids are new`, ``base/a \"quote\" `b` \\| c`` |"
CLEAN = {
    "docs/promises.md": page(
        FIRST, "| 2 | Views read. | `guest/reads - pread_view`, `guest/reads - mapped_view` |",
        "| 3 | It is fast. | `bench emit`, `demo.stub`, `example.1_one_event` |",
        "| 12 | It installs. | `package.find_package`, `style.layers.self_test` |",
        "| 12 | Misuse is refused. | `compile_fail.bare`, `package.install` |",
        "| 12 | It completes. | not yet: io_uring |"),
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
    ("docs/promises.md", "# Promises\n", "no table"),
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
    ("docs/promises.md", page(FIRST, FIRST), "the promise of line 5 again"),
    ("tests/base/ids.test.cpp", "// Empty.\n", "no such test: base/ids are new"),
)

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--self-test" in arguments:
        sys.exit(tree.self_test(check, CLEAN, FAULTS))
    sys.exit(tree.report(check(pathlib.Path(arguments[0]) if arguments else tree.ROOT)))
