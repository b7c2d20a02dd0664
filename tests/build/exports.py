#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""exports.py INCLUDE_DIR LIBRARY...: each library exports what the headers declare, no more, no less.

Shared libraries are read by their dynamic symbols, static ones by their global symbols.
"""
import glob
import os
import re
import subprocess
import sys


def declared(include):
    names = set()
    for path in glob.glob(os.path.join(include, "kmem", "*.h")):
        with open(path, encoding="utf-8") as f:
            text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
        text = re.sub(r"^\s*#.*?(?<!\\)$", "", text, flags=re.M)
        names |= {"kmem_" + n for n in re.findall(r"KMEM_DECL\([^,]+,\s*(\w+)\s*,", text)}
        names |= set(re.findall(r"KMEM_API\s[^;(]*?\b(\w+)\(", text))
    return names


def exported(library):
    shared = ".so" in os.path.basename(library)
    command = ["nm", "--defined-only", "-D" if shared else "-g", library]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in text.splitlines()]
    # Type A is the version node itself.
    return {row[2].split("@")[0] for row in rows if len(row) == 3 and row[1] != "A"}


def main():
    want = declared(sys.argv[1])
    bad = 0
    for library in sys.argv[2:]:
        have = exported(library)
        for name in sorted(want - have):
            print(f"{os.path.basename(library)}: does not export {name}")
        for name in sorted(have - want):
            print(f"{os.path.basename(library)}: exports {name}, which no header declares")
        bad += want != have
    print(f"exports: {len(want)} functions, {len(sys.argv) - 2} libraries, {bad} differ")
    return 1 if bad or len(want) < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
