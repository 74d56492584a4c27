#!/usr/bin/env python3
"""The README shows one example verbatim: this one. Run in the root of the tree."""
import pathlib
import sys

EXAMPLE = "examples/2_lease_and_act.cpp"

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
shown = "```cpp\n" + (root / EXAMPLE).read_text() + "```"
if shown not in (root / "README.md").read_text():
    sys.exit(f"README.md does not show {EXAMPLE} as it is")
