#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mmu.py KMEMSIM EVERY FILE...: kmemsim performs every EVERYth case of each file of page walks, once through
the TLB and once by walks alone; what it prints must be what an x86 processor did."""
import subprocess
import sys
import tempfile


def cases(path, every):
    """The file's lines, its two head lines and every `every`th case."""
    text = subprocess.run(["zstdcat", path], check=True, capture_output=True, text=True).stdout
    number = -1
    for line in text.splitlines():
        if line.startswith("C"):
            number += 1
        if number < 0 or number % every == 0:
            yield line


def result(line):
    """An R line: its words, the entries it names, and of which entries which bits are open."""
    words, values, masks = [], {}, {}
    for word in line.split()[1:]:
        if "=" in word:
            entry, value = word.split("=")
            values[int(entry)] = int(value, 16)
        elif "~" in word:
            entry, mask = word.split("~")
            masks[int(entry)] = int(mask, 16)
        else:
            words.append(word)
    return words, values, masks


def agrees(expected, got, entries):
    words, values, masks = result(expected)
    our_words, our_values, _ = result(got)
    if words != our_words:
        return False
    for i, start in enumerate(entries):
        if (values.get(i, start) ^ our_values.get(i, start)) & ~masks.get(i, 0):
            return False
    return True


def compare(name, lines, output):
    """Number of results and of those that differ."""
    ours = iter(output)
    case, access, entries = "", "", []
    results = differ = 0
    for line in lines:
        if line[0] == "E":
            entries = [int(word.split("=")[1], 16) for word in line.split()[1:]]
        if line[0] not in "CAR":
            continue
        got = next(ours, "(end of output)")
        if line[0] == "R":
            results += 1
            if agrees(line, got, entries):
                continue
            differ += 1
            if differ <= 5:
                print(f"{name}:", case, access, "expected " + line, "got      " + got, sep="\n  ")
        elif got != line:
            sys.exit(f"{name}: '{line}' was answered by '{got}'")
        elif line[0] == "C":
            case = line
        else:
            access = line
    if next(ours, None) is not None:
        sys.exit(f"{name}: more output than cases")
    return results, differ


def main():
    kmemsim, every, files = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    failed = False
    for path in files:
        lines = list(cases(path, every))
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as part:
            part.write("\n".join(lines) + "\n")
            part.flush()
            for options in ([], ["--walk"]):
                run = subprocess.run([kmemsim, "mmu", *options, part.name], capture_output=True, text=True)
                if run.returncode or run.stderr:
                    sys.exit(f"{path}: exit status {run.returncode}: {run.stderr}")
                name = " ".join([path.rsplit("/", 1)[1], *options])
                results, differ = compare(name, lines, run.stdout.splitlines())
                print(f"{name}: {results} results, {differ} differ")
                failed |= differ > 0 or not results
    sys.exit(failed)


main()
