#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""apidoc.py SOURCE_ROOT: the public headers are documented, and docs/api.md is their index.

  headers  directly before each function stands a comment "/** NAME - …"; one that documents
           parameters documents all of them; before each type stands a comment; documents that
           headers refer to exist
  index    docs/api.md lists each function and each macro with arguments once, with the header that
           declares it and a context that it explains, and nothing else
"""
import glob
import os
import re
import sys

DECL = re.compile(r"^(?:KMEM_DECL\(\s*[^,]+,\s*(?P<decl>\w+)\s*,|KMEM_API\s[^;(]*?\b(?P<api>\w+)\()",
                  re.M)
TYPE = re.compile(r"^(?:typedef\b(?P<typedef>[^;{]*)[;{]|(?:struct|enum)\s+(?P<tag>\w+)\s*\{)", re.M)
MACRO = re.compile(r"^#define\s+((?!kmem_|KMEM_)\w+)\(", re.M)
ROW = re.compile(r"^\|\s*`(\w+)\(\)`\s*\|\s*(.*?)\s*\|\s*(.*?)\s*\|\s*`(\w+\.h)`\s*\|$")
NAMED = re.compile(r"^\|\s*`(\w+)\(\)`")
CONTEXTS = re.compile(r"^\* \*\*([\w ]+)\*\*", re.M)

errors = []


def error(where, text):
    errors.append(f"{where}: {text}")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def comment_before(text, at):
    """The comment that ends directly before offset `at`; "" if none does."""
    head = text[:at].rstrip()
    if not head.endswith("*/") or "\n\n" in text[len(head):at]:
        return ""
    return head[head.rindex("/*"):]


def parameters(text, at):
    """Names of the parameters of the declaration at offset `at`."""
    start = text.index("(", at)
    if text.startswith("KMEM_DECL", at):
        start = text.index("(", start + 1)
    depth, end = 1, start + 1
    while depth:
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    args, depth, word = [], 0, ""
    for c in text[start + 1:end - 1] + ",":
        depth += {"(": 1, ")": -1}.get(c, 0)
        if c == "," and not depth:
            args.append(word.strip())
            word = ""
        else:
            word += c
    names = []
    for arg in args:
        m = re.search(r"\(\*\s*(\w+)\)", arg) or re.search(r"(\w+)(?:\[\])?$", arg)
        if arg not in ("void", "...", "") and m:
            names.append(m.group(1))
    return names


def check_function(where, name, text, at):
    doc = comment_before(text, at)
    if not re.match(r"/\*\*\s*(\*\s*)?" + re.escape(name) + r" - \S", doc):
        error(where, f'{name}: no comment "/** {name} - …" directly before it')
        return
    if re.search(r"^ \* @\w+:", doc, re.M):
        for arg in parameters(text, at):
            if not re.search(r"@" + re.escape(arg) + r"\b", doc):
                error(where, f"{name}: parameter {arg} is not documented, but others are")


def check_header(path, root):
    """Functions and macros of a header, by name."""
    text, where = read(path), os.path.relpath(path, root)
    names = set()
    for m in DECL.finditer(text):
        name = m.group("decl") or m.group("api")
        if name in names:
            error(where, f"{name}: declared twice")
        names.add(name)
        check_function(where, name, text, m.start())
    for m in TYPE.finditer(text):
        if not comment_before(text, m.start()):
            error(where, f"{m.group(0).strip()}: no comment directly before it")
    names |= set(MACRO.findall(text))
    for doc in re.findall(r"\bdocs/\w[\w/.-]*\.md", text):
        if not os.path.exists(os.path.join(root, doc)):
            error(where, f"refers to {doc}, which does not exist")
    return names


def check_index(root, declared):
    text, where = read(os.path.join(root, "docs/api.md")), "docs/api.md"
    contexts = set(CONTEXTS.findall(text))
    listed = set()
    for line in text.splitlines():
        if not NAMED.match(line):
            continue
        row = ROW.match(line)
        if not row:
            error(where, f"{line}: not a row of four columns")
            continue
        name, phrase, context, header = row.groups()
        if name in listed:
            error(where, f"{name} is listed twice")
        listed.add(name)
        if name not in declared:
            error(where, f"{name} is listed, but no header declares it")
        elif declared[name] != header:
            error(where, f"{name} is declared in {declared[name]}, not in {header}")
        if not phrase:
            error(where, f"{name}: not a word about it")
        for word in context.split(", "):
            if word not in contexts:
                error(where, f'{name}: context "{word}" is not explained')
    for name in sorted(set(declared) - listed):
        error(where, f"{name} ({declared[name]}) is not listed")
    return len(listed)


def main():
    root = sys.argv[1]
    declared = {}
    for path in sorted(glob.glob(os.path.join(root, "include/kmem/*.h"))):
        for name in check_header(path, root):
            declared[name] = os.path.basename(path)
    # What every header is made of is no family.
    declared = {name: header for name, header in declared.items() if header != "types.h"}
    listed = check_index(root, declared)
    for text in errors:
        print(text)
    print(f"apidoc: {len(declared)} names declared, {listed} listed, {len(errors)} errors")
    return 1 if errors or len(declared) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
