#!/usr/bin/env python3
"""What README.md must say: one example and a grants file, verbatim, and what cannot be undone.

Run in the root of the tree.
"""
import pathlib
import sys

EXAMPLE = "examples/2_lease_and_act.cpp"
GRANTS = "src/tools/host/examples/grants.toml"
WARNING = "An exported descriptor cannot be taken back"

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
readme = (root / "README.md").read_text()
if "```cpp\n" + (root / EXAMPLE).read_text() + "```" not in readme:
    sys.exit(f"README.md does not show {EXAMPLE} as it is")
if "```toml\n" + (root / GRANTS).read_text() + "```" not in readme:
    sys.exit(f"README.md does not show {GRANTS} as it is")
if WARNING not in " ".join(readme.split()):
    sys.exit(f"README.md does not say: {WARNING}")
