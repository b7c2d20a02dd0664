#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""proc_texts.py KMEMSIM TEXTS.xz [MIB]: the texts of /proc of real kernels, and ours; of machines of up to MIB.

Each layout that was measured (kernel, RAM, nodes, CPUs) is booted from its counts, as
`zonepages=`, and line by line our zoneinfo, buddyinfo, pagetypeinfo and meminfo must have the real
kernel's form: the same words in the same order, numbers in the same columns. Figures that follow from
the layout must be equal: those of zoneinfo but what is free and what hangs on it, pageblocks of each
zone, MemTotal and VmallocTotal. Watermarks, protection and per-CPU limits follow from what was managed when the
kernel computed them, before it freed its initial RAM disk and its initialisation code; the log said
how much that was, so the file has these counts too, and there are two boots.

Left aside are what docs/differences.md says is not there, and on stock kernels (deb-*) what
their configuration adds.
"""
import lzma
import re
import subprocess
import sys

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
NOT_THERE = re.compile(r"\s+(numa_\w+|vm stats threshold:)|"
                       r"(CommitLimit|Committed_AS|Percpu|HardwareCorrupted|AnonHugePages|"
                       r"Shmem\w+|File\w+|Cma\w+|HugePages_\w+|Hugepagesize|Hugetlb|DirectMap\w+|"
                       r"Zswap\w*):|"
                       r"\s+(nr_swapcached|nr_zspages|pgpromote_\w+)|Node +\d+, zone +\w+, type +(CMA|Isolate) ")
# What a stock kernel's zone Device and type Isolate (always none) add at the end of lines.
ADDED = ((re.compile(r"(protection: \(\d+, \d+, \d+, \d+), \d+\)"), r"\1)"),
         (re.compile(r"(Number of blocks type .* HighAtomic ) +Isolate $"), r"\1"),
         (re.compile(r"(Node \d+, zone +\w+ (?: +\d+){4}) +0 $"), r"\1 "))
# Figures of zoneinfo that follow from the layout; of the second group from what was managed at boot.
LAYOUT = {"spanned", "present", "managed", "cma", "start_pfn", "boost"}
AT_BOOT = {"min", "low", "high", "protection", "high:", "batch:"}

errors = []
compared = {"lines": 0, "figures": 0}


def read_runs(path):
    """{run: {text: lines}}, {run: counts at boot}"""
    runs, counts = {}, {}
    device = False
    for line in lzma.open(path, "rt", encoding="ascii"):
        line = line.rstrip("\n")
        if line.startswith("run "):
            run = runs[line[4:]] = {}
            name = line[4:]
        elif line.startswith("counts "):
            counts[name] = line[7:]
        elif line.startswith("=== "):
            text = run[line[4:]] = []
            device = False
        else:
            # A zone that no kernel here has memory in.
            device = line.endswith("zone   Device") or (device and not line.startswith("Node "))
            for pattern, short in ADDED:
                line = pattern.sub(short, line)
            if not device and not NOT_THERE.match(line):
                text.append(line)
    return runs, counts


def zones_of(zoneinfo):
    """(node, zone, {word: numbers}) for each zone of a zoneinfo, by the words that begin its lines."""
    zones = []
    for line in zoneinfo:
        head = re.match(r"Node (\d+), zone +(\w+)", line)
        if head:
            zones.append((int(head[1]), head[2], {}))
            continue
        words = line.split()
        word = words[0].rstrip(":") if words[0] == "protection:" else words[0]
        word = words[0] if words[0] in ("high:", "batch:") else words[0].rstrip(":")
        zones[-1][2].setdefault(word, []).append(NUMBER.findall(" ".join(words[1:])))
    return zones


def layout_of(run):
    """kernel, MiB, nodes, CPUs"""
    m = re.match(r"(.*)-(\d+)M-(\d+)n-(\d+)c$", run)
    return m[1], int(m[2]), int(m[3]), int(m[4])


def machine(run, counts):
    kernel, mib, nodes, cpus = layout_of(run)
    preset = "x86_32" if kernel in ("slub32", "deb-686") else "x86_64"
    return "preset=%s mem=%dM nodes=%d cpus=%d thp=%d zonepages=%s" % (
        preset, mib, nodes, cpus, kernel.startswith("deb"),
        counts)


def show(kmemsim, desc, name):
    out = subprocess.run([kmemsim, "boot", "--machine", desc, "--show", name], text=True,
                         capture_output=True)
    if out.returncode:
        sys.exit("%s: %s" % (desc, out.stderr))
    return [line for line in out.stdout.splitlines() if not NOT_THERE.match(line)]


def form(line):
    return re.sub(r" *-?\d+(\.\d+)?", " #", line)


def columns(line):
    return [(m.start(), m.end()) for m in NUMBER.finditer(line)]


def aligned(a, b):
    """Numbers of two lines of one form stand in the same columns: they begin or end there."""
    shift = 0
    for (a0, a1), (b0, b1) in zip(columns(a), columns(b)):
        if a0 != b0 + shift and a1 != b1 + shift:
            return False
        shift += a1 - b1 - shift if a1 != b1 + shift else 0
    return True


def compare_form(where, real, ours):
    for n, (a, b) in enumerate(zip(real, ours)):
        compared["lines"] += 1
        if form(a) != form(b) or not aligned(a, b):
            errors.append("%s line %d:\n  real '%s'\n  ours '%s'" % (where, n + 1, a, b))
            return
    if len(real) != len(ours):
        errors.append("%s: %d lines, ours %d" % (where, len(real), len(ours)))


def compare_figures(where, real, ours, words):
    for (node, zone, a), (node2, zone2, b) in zip(real, ours):
        if (node, zone) != (node2, zone2):
            errors.append("%s: zone %d/%s, ours %d/%s" % (where, node, zone, node2, zone2))
            return
        for word in sorted(words & set(a)):
            compared["figures"] += 1
            if a[word] != b.get(word):
                errors.append("%s: zone %d/%s %s %s, ours %s" % (where, node, zone, word, a[word],
                                                                 b.get(word)))


def pageblocks(text):
    """{(node, zone): pageblocks of all types}"""
    sums = {}
    for line in text:
        m = re.match(r"Node (\d+), zone +(\w+) ([ \d]+)$", line)
        if m:
            sums[m[1], m[2]] = sum(map(int, m[3].split()))
    return sums


def totals(meminfo, more=0):
    """MemTotal and vmalloc's; @more kB of addresses."""
    sums = dict(re.match(r"(\w+): +(\d+) kB", line).groups() for line in meminfo if line[0] in "MV")
    return int(sums["MemTotal"]), int(sums["VmallocTotal"]) + more, int(sums["VmallocChunk"])


def check_run(kmemsim, run, texts, boot_counts):
    zones = zones_of(texts["zoneinfo"])
    desc = machine(run, ",".join("%d/%s:%s:%s" % (node, zone, z["present"][0][0], z["managed"][0][0])
                                 for node, zone, z in zones if z["present"][0][0] != "0"))
    ours = {name: show(kmemsim, desc, name) for name in texts}
    for name in texts:
        compare_form("%s %s" % (run, name), texts[name], ours[name])
    compare_figures(run, zones, zones_of(ours["zoneinfo"]), LAYOUT)
    # deb-686 was built for 32 CPUs: their windows take 4 MiB more above vmalloc than one CPU's here.
    more = 4096 if run.startswith("deb-686") else 0
    for name, real, got in (("pagetypeinfo", pageblocks(texts["pagetypeinfo"]),
                             pageblocks(ours["pagetypeinfo"])),
                            ("meminfo", totals(texts["meminfo"], more), totals(ours["meminfo"]))):
        compared["figures"] += 1
        if real != got:
            errors.append("%s %s: %s, ours %s" % (run, name, real, got))
    desc = machine(run, boot_counts)
    compare_figures(run, zones, zones_of(show(kmemsim, desc, "zoneinfo")), AT_BOOT)


def main():
    kmemsim, texts = sys.argv[1:3]
    most = int(sys.argv[3]) if len(sys.argv) > 3 else sys.maxsize
    runs, boot_counts = read_runs(texts)
    done = [run for run in runs if layout_of(run)[1] <= most]
    for run in done:
        check_run(kmemsim, run, runs[run], boot_counts[run])
    for text in errors[:40]:
        print(text)
    print("proc texts: %d layouts, %d lines, %d figures compared, %d errors"
          % (len(done), compared["lines"], compared["figures"], len(errors)))
    return 1 if errors or len(runs) < 56 else 0


sys.exit(main())
