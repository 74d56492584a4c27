#!/usr/bin/env python3
"""Budgets and house rules that need no compiler: sizes, first lines, forbidden words.

Over budget means: split by noun. Function lengths are measured by matching braces after comments,
literals and all but the first branch of each #if are blanked out; a heuristic, but one that knows
functions from types, namespaces and tables.
"""
import re
import statistics
import sys

import tree

HEADER_LINES = 300
HEADER_MEDIAN_LINES = 90
FILE_LINES = 400
FUNCTION_LINES = 70
LINE_COLUMNS = 100

CPP = {".hpp", ".ipp", ".cpp", ".h", ".c"}
CODE = CPP | {".S", ".ld", ".py", ".cmake", ".sh", ".in"}
CODE_NAMES = {"CMakeLists.txt", "setup", "run", "format", "tidy"}
TEST_SUFFIXES = (".test.cpp", ".concept.cpp", ".fuzz.cpp")
# Nothing here may depend on the machine or the person that it was written on.
FORBIDDEN = re.compile(r"/(work|home|root)/|/tmp/b(ash_jobs|-)")

LITERALS = re.compile(
    r'//[^\n]*|/\*.*?\*/'                       # comments
    r'|R"(?P<fence>[^(\s]*)\(.*?\)(?P=fence)"'  # raw strings
    r'|"(?:\\.|[^"\\\n])*"'                     # strings
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",    # characters, but not digit separators
    re.DOTALL)


def blank(text):
    """Spaces for everything but newlines."""
    return re.sub(r"[^\n]", " ", text)


def code_only(text):
    """The source without comments, literals, directives and alternative #if branches."""
    text = LITERALS.sub(lambda literal: blank(literal[0]), text)
    lines, branches, continued = [], [], False
    for line in text.split("\n"):
        directive = re.match(r"\s*#\s*(\w+)", line)
        if directive and not continued:
            word = directive[1]
            if word.startswith("if"):
                branches.append(True)
            elif word in ("else", "elif") and branches:
                branches[-1] = False
            elif word == "endif" and branches:
                branches.pop()
        hidden = directive or continued or not all(branches)
        continued = bool(directive or continued) and line.endswith("\\")
        lines.append(blank(line) if hidden else line)
    return "\n".join(lines)


def strip_nested(text, opening, closing):
    """`text` without what stands between matching brackets."""
    depth, kept = 0, []
    for character in text:
        depth += character == opening
        if depth == 0:
            kept.append(character)
        depth -= character == closing and depth > 0
    return "".join(kept)


def is_scope(head):
    """Whether the brace after `head` opens a scope of declarations or a table, not a function."""
    head = re.sub(r"->|<=>|[<>!=]=|<<|operator\s*\S+", " ", head)
    outside = strip_nested(strip_nested(head, "(", ")"), "<", ">")
    if re.search(r"=\s*\[", outside):
        return False  # a lambda with a name
    return bool(re.search(r"\b(namespace|extern|class|struct|union|enum)\b|=", outside))


def functions(text):
    """(first line, last line) of every outermost function body with its head."""
    code = code_only(text)
    stack, head_start = [], 0  # stack: the start of a function, or None for a scope
    for brace in re.finditer(r"[{};]", code):
        position = brace.start()
        inside_function = any(start is not None for start in stack)
        if brace[0] == "{":
            head = code[head_start:position]
            start = head_start + len(head) - len(head.lstrip())
            stack.append(None if inside_function or is_scope(head) else start)
        elif brace[0] == "}" and stack:
            start = stack.pop()
            if start is not None:
                yield code.count("\n", 0, start) + 1, code.count("\n", 0, position) + 1
        if all(start is None for start in stack):
            head_start = position + 1


def is_code(path):
    return path.suffix in CODE or path.name in CODE_NAMES


def is_public_header(path):
    return path.parts[0] == "include" and path.suffix == ".hpp"


def size_problems(path, lines):
    limit = HEADER_LINES if is_public_header(path) else FILE_LINES
    if len(lines) > limit:
        yield f"{path}: {len(lines)} lines, at most {limit}"
    for number, line in enumerate(lines, start=1):
        if len(line) > LINE_COLUMNS:
            yield f"{path}:{number}: {len(line)} columns, at most {LINE_COLUMNS}"


def opening_problems(path, lines):
    first = lines[0] if lines else ""
    if path.suffix in (".hpp", ".ipp"):
        if not first.startswith("// "):
            yield f"{path}:1: a header opens with a title comment"
        if path.suffix == ".hpp" and "#pragma once" not in lines:
            yield f"{path}: no #pragma once"
    elif path.name.endswith(TEST_SUFFIXES) and not first.startswith("// "):
        yield f"{path}:1: a test says in its first line which rule it shows"
    elif path.parts[:2] == ("tests", "compile_fail") and path.suffix == ".cpp":
        if not first.startswith("// expect: "):
            yield f"{path}:1: the first line must be `// expect: <regex>`"


def cpp_problems(path, text):
    for name in re.finditer(r'TEST_CASE\w*\(\s*"[^"\n]*;', text):
        line = text.count("\n", 0, name.start()) + 1
        yield f"{path}:{line}: a ';' in the name of a test case splits it in two for ctest"
    for first, last in functions(text):
        if last - first + 1 > FUNCTION_LINES:
            yield f"{path}:{first}: function of {last - first + 1} lines, at most {FUNCTION_LINES}"


def file_problems(path, text):
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if FORBIDDEN.search(line):
            yield f"{path}:{number}: forbidden here: {FORBIDDEN.search(line)[0]}"
    if is_code(path):
        yield from size_problems(path, lines)
    if path.suffix in CPP:
        yield from opening_problems(path, lines)
        yield from cpp_problems(path, text)


def check(root):
    problems, header_lines = [], []
    for path in tree.files(root):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # not text
        if is_public_header(path):
            header_lines.append(len(text.splitlines()))
        problems += file_problems(path, text)
    if header_lines and statistics.median(header_lines) > HEADER_MEDIAN_LINES:
        problems.append(f"include/: the median header has {statistics.median(header_lines):g} "
                        f"lines, at most {HEADER_MEDIAN_LINES}")
    return problems


def body(lines):
    return "    step();\n" * lines


HEADER = "// Title.\n#pragma once\n\n"
CLEAN = {
    "README.md": "A page with a long line. " * 9 + "\n",
    "include/vmsig/a/tiny.hpp": HEADER,
    "include/vmsig/a/smaller.hpp": HEADER,
    "include/vmsig/a/small.hpp": HEADER + "int small();\n",
    "include/vmsig/a/large.hpp": HEADER + "int f();\n" * 297,
    "include/vmsig/a/scopes.hpp": HEADER
    + "namespace n {\ntemplate <class T>\nstruct s : base<T> {\n    s() : a_{1}, b_{2} {}\n"
    + "    int f() { return '{' + 1'000; }\n" * 80
    + "};\nenum class e : int {\n" + "    a,\n" * 80 + "};\n} // namespace n }\n",
    "src/x.cpp": "constexpr int table[] = {\n" + "    1,\n" * 90 + "};\n"
    + "const char* text() {\n    return R\"(}}}})\";\n}\n"
    + "#ifdef A\nvoid f() {\n#else\nvoid g() {\n#endif\n" + body(60) + "}\n",
    "tests/a/small.test.cpp": "// Rule.\nTEST_CASE(\"small { \") {\n" + body(60) + "}\n",
    "tests/compile_fail/a.cpp": "// expect: error\n",
}
TOO_LONG = "{\n" + body(69) + "}\n"
FAULTS = (
    ("include/vmsig/a/b.hpp", HEADER + "int f();\n" * 298, "301 lines, at most 300"),
    ("src/a.cpp", "int f();\n" * 401, "401 lines, at most 400"),
    ("include/vmsig/a/small.hpp", HEADER + "int f();\n" * 200, "the median header"),
    ("src/a.cpp", f"int {'a' * 97};\n", "102 columns"),
    ("include/vmsig/a/b.hpp", "#pragma once\n", "title comment"),
    ("include/vmsig/a/b.hpp", "// Title.\n", "no #pragma once"),
    ("tests/a/b.test.cpp", "#include <b>\n", "which rule it shows"),
    ("tests/compile_fail/b.cpp", "// It fails.\n", "// expect:"),
    ("tests/a/b.test.cpp", '// Rule.\nTEST_CASE("a; b") {}\n', "splits it in two"),
    ("docs/a.md", "See /" + "work/notes.\n", "forbidden"),
    ("src/a.cpp", "void f() " + TOO_LONG, "src/a.cpp:1: function of 71"),
    ("src/a.cpp", "namespace {\n\nauto f()\n    -> bool " + TOO_LONG + "}\n", "a.cpp:3: function"),
    ("src/a.cpp", "struct s {\n    s() : a_{1} " + TOO_LONG + "};\n", "a.cpp:2: function"),
    ("src/a.cpp", "bool s::operator==(s b) " + TOO_LONG, "function of 71"),
    ("src/a.cpp", "template <class T = int> T f(T t = {}) " + TOO_LONG, "function of 71"),
    ("src/a.cpp", "constexpr auto f = [](int i) " + TOO_LONG, "function of 71"),
    ("tests/a/b.test.cpp", "// Rule.\nTEST_CASE(\"b\") " + TOO_LONG, "b.test.cpp:2: function"),
)

if __name__ == "__main__":
    if "--self-test" in sys.argv:
        sys.exit(tree.self_test(check, CLEAN, FAULTS))
    sys.exit(tree.report(check(tree.ROOT)))
