#!/usr/bin/env python3
"""What libvmsig-client exports is what its header declares, and what its version script lists.

usage: symbols.py <library> <version script> <header>
"""
import re
import subprocess
import sys

library, script, header = sys.argv[1:]


def difference(what, names, expected):
    for name in sorted(names ^ expected):
        yield f"{name}: {'only' if name in names else 'not'} in {what}"


text = re.sub(r"/\*.*?\*/", "", open(header, encoding="utf-8").read(), flags=re.DOTALL)
declared = set(re.findall(r"VMSIG_CLIENT_API[^;]*?\b(vmsig_\w+)\(", text))

exported, versions = set(), set()
nm = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", library],
                    stdout=subprocess.PIPE, check=True, encoding="utf-8")
for line in nm.stdout.splitlines():
    name = line.split()[-1]
    if line.split()[-2] == "A":
        versions.add(name)  # the node itself
        continue
    name, _, version = name.partition("@@")
    exported.add((name, version))

nodes = {}
for node, body in re.findall(r"(VMSIG_CLIENT_\d+) \{(.*?)\}", open(script).read(), re.DOTALL):
    for name in re.findall(r"\b(vmsig_\w+);", body):
        nodes[name] = node

problems = []
problems += difference("the header", declared, set(nodes))
problems += (f"{name}@@{version}: not listed" for name, version in exported - set(nodes.items()))
problems += (f"{name}@@{node}: not exported" for name, node in set(nodes.items()) - exported)
if versions != set(nodes.values()):
    problems.append(f"nodes: {versions}, not {set(nodes.values())}")
dynamic = subprocess.run(["readelf", "-d", library], stdout=subprocess.PIPE, check=True,
                         encoding="utf-8").stdout
if "Library soname: [libvmsig-client.so.1]" not in dynamic:
    problems.append("its soname is not libvmsig-client.so.1")
print(*problems or [f"{len(exported)} symbols"], sep="\n")
sys.exit(1 if problems else 0)
