#!/usr/bin/env python3
"""Who may include what: the house as one table, and a check that the code keeps to it.

A module is a folder of include/vmsig/ (its compiled part, if any, is the folder of that name in
src/). It includes strictly lower rows and itself; modules of one row do not know each other. The
headers directly in include/vmsig/ are faces for users: they include anything, and no module
includes them.
"""
import re
import sys

import tree

ROWS = (
    ("base",),
    ("event", "reactor", "timing"),
    ("queue", "endpoint", "memctx", "lease", "grant", "audit", "input"),
    ("guest",),
    ("adapter", "control"),
    ("core",),
    ("transport",),
    ("stub", "kvm", "qemu", "client"),
    ("testing",),
)
ROW_OF = {module: number for number, row in enumerate(ROWS, start=1) for module in row}

# What few may include. First matching rule decides: (headers, why, who may). Who: a module, or a
# file of one; "face" names a header directly in include/vmsig/.
SYSTEM_CALLERS = ("base/unique_fd.hpp", "base/anchor.hpp", "reactor", "guest", "transport",
                  "stub", "kvm", "qemu", "client", "testing")
RESTRICTED = (
    (r"linux/input-event-codes\.h", "input codes are the business of few",
     ("event", "input", *SYSTEM_CALLERS)),
    (r"(sys|linux|net|netinet)/.*|csignal|ctime"
     r"|(unistd|fcntl|poll|signal|pthread|sched|dirent|time)\.h",
     "system calls live in few places", SYSTEM_CALLERS),
    (r"memory", "heavy to compile",
     ("base/block_pool.hpp", "core", "transport", "stub", "kvm", "qemu", "client", "testing")),
    (r"chrono|functional|iostream|fstream|sstream|regex|filesystem|thread|future"
     r"|(nlohmann|CLI)/.*", "heavy to compile", ("testing",)),
    (r"(fmt|boost)/.*", "heavy to compile", ("fmt.hpp", "testing")),
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def module_of(path):
    """The module that a file belongs to, "" for a face, None for a file outside the house."""
    if path.parts[:2] == ("include", "vmsig"):
        return path.parts[2] if len(path.parts) > 3 else ""
    if path.parts[0] == "src" and len(path.parts) > 2 and path.parts[1] != "tools":
        return path.parts[1]
    return None


def layer_problem(module, target):
    """Why `module` may not include <vmsig/target>, or None."""
    if "/" not in target:
        return f"<vmsig/{target}> is a face for users, not for modules"
    other = target.split("/")[0]
    if other not in ROW_OF:
        return f"module '{other}' has no row in cmake/check_layers.py"
    if other == module or ROW_OF[other] < ROW_OF[module]:
        return None
    return f"{module} (row {ROW_OF[module]}) must not include {other} (row {ROW_OF[other]})"


def restriction_problem(name, header):
    """Why a public header (`name` below include/vmsig/) may not include <header>, or None."""
    for pattern, why, allowed in RESTRICTED:
        if re.fullmatch(pattern, header):
            permitted = name in allowed or name.split("/")[0] in allowed
            return None if permitted else f"<{header}>: {why}"
    return None


def file_problems(root, path):
    module = module_of(path)
    if module is None or path.suffix not in (".hpp", ".ipp", ".cpp"):
        return
    if module and module not in ROW_OF:
        yield f"{path}: module '{module}' has no row in cmake/check_layers.py"
        return
    public = path.parts[0] == "include"
    for number, line in enumerate((root / path).read_text(encoding="utf-8").splitlines(), start=1):
        include = INCLUDE.match(line)
        if not include:
            continue
        quote, header = include.groups()
        problem = None
        if header.startswith("vmsig/"):
            problem = layer_problem(module, header.removeprefix("vmsig/")) if module else None
        elif public and quote == '"':
            problem = f'"{header}": public headers include each other as <vmsig/...>'
        elif public:
            problem = restriction_problem("/".join(path.parts[2:]), header)
        if problem:
            yield f"{path}:{number}: {problem}"


def check(root):
    return [problem for path in tree.files(root) for problem in file_problems(root, path)]


CLEAN = {
    "include/vmsig/vmsig.hpp": "#include <vmsig/core/core.hpp>\n#include <vmsig/stub/vm.hpp>\n",
    "include/vmsig/fmt.hpp": "#include <fmt/format.h>\n",
    "include/vmsig/base/ids.hpp": "#include <cstdint>\n",
    "include/vmsig/base/unique_fd.hpp": "#include <unistd.h>\n",
    "include/vmsig/core/core.hpp": "#include <vmsig/base/ids.hpp>\n#include <vmsig/core/x.ipp>\n",
    "include/vmsig/input/codes.hpp": "#include <linux/input-event-codes.h>\n",
    "include/vmsig/testing/suite.hpp": "#include <functional>\n#include <vmsig/stub/vm.hpp>\n",
    "src/kvm/vm.cpp": "#include <linux/kvm.h>\n#include <memory>\n#include <vmsig/core/core.hpp>\n",
    "src/tools/demo/main.cpp": "#include <CLI/CLI.hpp>\n#include <vmsig/vmsig.hpp>\n",
}
FAULTS = (
    ("include/vmsig/base/a.hpp", "#include <vmsig/event/event.hpp>\n", "base (row 1) must not"),
    ("include/vmsig/lease/a.hpp", "#include <vmsig/grant/grant.hpp>\n", "grant (row 3)"),
    ("include/vmsig/core/detail/a.ipp", "#  include <vmsig/transport/wire.hpp>\n", "core (row 6)"),
    ("include/vmsig/core/a.hpp", "#include <vmsig/vmsig.hpp>\n", "is a face"),
    ("include/vmsig/core/a.hpp", '#include "event.hpp"\n', "include each other as"),
    ("include/vmsig/core/a.hpp", "#include <vmsig/attic/old.hpp>\n", "'attic' has no row"),
    ("include/vmsig/attic/old.hpp", "", "'attic' has no row"),
    ("src/kvm/a.cpp", "#include <vmsig/stub/vm.hpp>\n", "stub (row 8)"),
    ("include/vmsig/lease/a.hpp", "#include <sys/socket.h>\n", "system calls"),
    ("include/vmsig/base/a.hpp", "#include <unistd.h>\n", "system calls"),
    ("include/vmsig/input/a.hpp", "#include <linux/kvm.h>\n", "system calls"),
    ("include/vmsig/lease/a.hpp", "#include <linux/input-event-codes.h>\n", "input codes"),
    ("include/vmsig/event/a.hpp", "#include <functional>\n", "heavy"),
    ("include/vmsig/queue/a.hpp", "#include <memory>\n", "heavy"),
    ("include/vmsig/vmsig.hpp", "#include <fmt/core.h>\n", "heavy"),
    ("include/vmsig/kvm/a.hpp", "#include <nlohmann/json.hpp>\n", "heavy"),
)

if __name__ == "__main__":
    if "--self-test" in sys.argv:
        sys.exit(tree.self_test(check, CLEAN, FAULTS))
    sys.exit(tree.report(check(tree.ROOT)))
