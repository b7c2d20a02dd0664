#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""codesize.py SOURCE_ROOT: "SLOB's code is a few hundred lines", and less than the others'.

Lines of code: what is left without comments and blank lines. SLOB's allocator proper is the pages,
their lists and what waits for a grace period; around it stand the public functions, which every
backend has, and what this library adds (texts, slob_debug=, fast paths).
"""
import glob
import os
import re
import sys

ALLOCATOR = ["slob.c", "slob_lists.h", "slob_page.c", "slob_page.h", "slob_rcu.c", "slob.h"]
OURS = ["slob_alone.h", "slob_debug.c", "slob_show.c"]


def lines_of(path):
    with open(path, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    return sum(1 for line in text.splitlines() if line.strip())


def main():
    folder = os.path.join(sys.argv[1], "src")
    size = {b: {os.path.basename(p): lines_of(p) for p in glob.glob(f"{folder}/{b}/*.[ch]")}
            for b in ("slab", "slub", "slob")}
    total = {b: sum(files.values()) for b, files in size.items()}
    allocator = sum(size["slob"][name] for name in ALLOCATOR)
    slob = total["slob"] - sum(size["slob"][name] for name in OURS)
    print(f"SLOB: {allocator} lines of code, {slob} with the public functions, {total['slob']} in all;"
          f" SLAB {total['slab']}, SLUB {total['slub']}")
    good = 200 < allocator < 600 and slob < 1000 and 2 * slob < min(total["slab"], total["slub"])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
