#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""coverage.py SOURCE_ROOT: tests/conformance/coverage.txt names a test for everything public.

Each name in docs/api.md has one row: the test that shows it succeed, the one that shows what it does
when something runs out, the one that misuses it. A "-" stands where there is nothing to show; the
table's head says when that is allowed. Every test named must be one that the suite runs, and must
reach the name: in its own body, or through functions and tables of its file.
"""
import glob
import os
import re
import sys

ROW = re.compile(r"^\|\s*`(\w+)\(\)`", re.M)
FUNCTION = re.compile(r"^(?:static|int|void)\b[^;={]*?\b(\w+)\([^;{]*?\)\n\{(.*?)^\}", re.M | re.S)
TABLE = re.compile(r"^static [^;(){]*?\b(\w+)(?:\[[^\]]*\])* = \{(.*?)^\};|"
                   r"^static [^;(){]*?\b(\w+)(?:\[[^\]]*\])* = (.*?);$", re.M | re.S)
MACRO = re.compile(r"^[A-Z]+\((\w+), (.*)\)$", re.M)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
TEST = re.compile(r"(?:cmocka|wide)_unit_test(?:_\w+)?\((\w+)")
WORD = re.compile(r"\w+")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def blocks(text):
    """Identifiers that each function or table of a file mentions, by its name."""
    found = {}
    for pattern in (FUNCTION, TABLE, MACRO):
        for m in pattern.finditer(text):
            name, body = [group for group in m.groups() if group is not None]
            found.setdefault(name, set()).update(WORD.findall(body))
    return found


def reach(found, start):
    seen, todo = set(), [start]
    while todo:
        for word in found.get(todo.pop(), ()):
            if word not in seen:
                seen.add(word)
                todo.append(word)
    return seen


def suite(root):
    """What each test of the conformance suite reaches, by the test's name."""
    tests, shared = {}, blocks(COMMENT.sub("", read(os.path.join(root, "tests/support/kmem_test.h"))))
    for path in glob.glob(os.path.join(root, "tests/conformance/*.c")):
        text = COMMENT.sub("", read(path))
        found = {**shared, **blocks(text)}
        for name in TEST.findall(text):
            tests.setdefault(name, set()).update(reach(found, name))
    return tests


def table(path):
    rows = {}
    for number, line in enumerate(read(path).splitlines(), 1):
        words = line.split("#")[0].split()
        if words:
            rows[words[0]] = (number, words[1:])
    return rows


def check_row(name, row, tests):
    if len(row) != 3:
        return ["not a row of NAME SUCCESS EXHAUSTION MISUSE"]
    errors = [] if row[0] != "-" else ["nothing shows it succeed"]
    for test in row:
        if test == "-":
            continue
        if test not in tests:
            errors.append(f"no test {test} in the suite")
        elif name not in tests[test]:
            errors.append(f"{test} does not call it")
    return errors


def main():
    root = sys.argv[1]
    path = "tests/conformance/coverage.txt"
    public = set(ROW.findall(read(os.path.join(root, "docs/api.md"))))
    rows, tests = table(os.path.join(root, path)), suite(root)
    errors = [f"{path}: {name}: has no row" for name in sorted(public - set(rows))]
    for name, (number, row) in rows.items():
        where = f"{path}:{number}: {name}"
        if name not in public:
            errors.append(f"{where}: not in docs/api.md")
        errors += [f"{where}: {text}" for text in check_row(name, row, tests)]
    print("\n".join(errors + [f"coverage: {len(rows)} rows, {len(tests)} tests, {len(errors)} errors"]))
    return 1 if errors or len(rows) < 150 else 0


if __name__ == "__main__":
    sys.exit(main())
