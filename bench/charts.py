#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""charts.py BUILD_DIR [--quick] [--rounds N] [--only CHART,...] [--out DIR] [--redraw]: how cost grows.

Measures the workloads of bench/live.c, thread.c and machines.c at one size after the other and writes for
each chart DIR/CHART.csv (the data: medians and the distance of the quartiles relative to them) and DIR/CHART.svg.
At each size all who take part are asked in turn, round by round, as in run.py. DIR is docs/charts.

--quick measures shorter and less often. --redraw draws again from the CSV files that are there.
A series ends where one measurement, its setting up included, takes more than ten seconds; the last is shown.
"""
import argparse
import csv
import os
import statistics
import sys
import time

import svg
from run import PEERS, Worker, commit, machine, spread

BACKENDS = {"SLUB": "slub-static", "SLAB": "slab-static", "SLOB": "slob-static"}
PATIENCE = 10.0
BEST = "best of the four peers"


def ram(mib):
    return f"{mib}M" if mib < 1024 else f"{mib // 1024}G" if mib < 1 << 20 else f"{mib >> 20}T"


class Chart:
    """One question. series: {name: (worker, workload)}; peers are reduced to glibc and the best."""

    def __init__(self, name, title, x_label, y_label, sizes, series, figure=svg.figure, fresh=False):
        self.name, self.title, self.x_label, self.y_label = name, title, x_label, y_label
        self.sizes, self.series, self.figure, self.fresh = sizes, series, figure, fresh


def backends(workload):
    return {name: (worker, workload) for name, worker in BACKENDS.items()}


def with_peers(workload):
    return {**backends(workload), **{p: (p, workload) for p in PEERS}}


LIVE = [10 ** 2, 10 ** 3, 10 ** 4, 10 ** 5, 10 ** 6, 10 ** 7]
RAM = [16, 64, 256, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20]
CACHES = [1, 10, 100, 1000, 10000]
CPUS = [1, 4, 16, 64, 256, 1024]
THREADS = [1, 2, 4, 8, 16]
PAGES = {"page": ("slub-static", "page-0-%s"), "16 pages": ("slub-static", "page-4-%s")}


def pages(of, *names):
    return {n: (PAGES[n][0], PAGES[n][1] % of) for n in names}


CHARTS = [
    Chart("live-objects", "Free one of N objects of 64 bytes at random, allocate another", "live objects",
          "ns for both", LIVE,
          {**with_peers("replace-live"), "a write alone": ("bare", "replace-live")}),
    Chart("ram-pair", "Allocate and free, by RAM of the machine", "RAM", "ns for both", RAM,
          {**backends("pair-ram"), **pages("ram", "page", "16 pages")}, ram),
    Chart("ram-boot", "Boot and shut down, by RAM of the machine", "RAM", "ms", RAM, backends("boot-ram"),
          ram, fresh=True),
    Chart("ram-resident", "Resident after boot, by RAM of the machine", "RAM", "KiB", RAM,
          backends("resident-ram"), ram, fresh=True),
    Chart("caches-pair", "Allocate and free in one cache, beside N others", "caches", "ns for both", CACHES,
          backends("pair-caches")),
    Chart("caches-wander", "Allocate and free, each time in another of N caches", "caches", "ns for both",
          CACHES, backends("wander-caches")),
    Chart("caches-create", "Create and destroy a cache, beside N others", "caches", "µs for both", CACHES,
          backends("create-caches")),
    Chart("cpus-pair", "Allocate and free, by CPUs of which one is used", "CPUs", "ns for both", CPUS,
          {**backends("pair-cpus"), **pages("cpus", "page")}),
    Chart("cpus-drain", "Drain the page lists and shrink a cache, by CPUs of which one is used", "CPUs",
          "ns for both", CPUS, backends("drain-cpus")),
    Chart("cpus-create", "Create and destroy a cache, by CPUs of which one is used", "CPUs", "µs for both",
          CPUS, backends("create-cpus")),
    Chart("cpus-boot", "Boot and shut down, by CPUs", "CPUs", "ms", CPUS, backends("boot-cpus"), fresh=True),
    Chart("cpus-resident", "Resident after boot, by CPUs", "CPUs", "KiB", CPUS, backends("resident-cpus"),
          fresh=True),
    Chart("threads-own", "Threads replace objects of their own, a CPU for each, on two host CPUs", "threads",
          "ns of wall time for each object", THREADS, with_peers("own-threads")),
    Chart("threads-shared", "The same on a machine of eight CPUs", "threads",
          "ns of wall time for each object", THREADS, backends("shared-threads")),
    Chart("threads-larson", "Threads hand sets of objects over, on two host CPUs", "threads",
          "ns of wall time for each object", THREADS, with_peers("larson-threads")),
]


class Meter:
    """Workers of a build, started when first asked."""

    def __init__(self, build, milliseconds):
        self.build, self.milliseconds, self.workers = build, milliseconds, {}
        cpus = sorted(os.sched_getaffinity(0))
        self.cpus = (cpus[-1], cpus[0])

    def path(self, name):
        return os.path.join(self.build, "bench", f"worker-{name}")

    def installed(self, name):
        return os.path.exists(self.path(name))

    def worker(self, name):
        if name not in self.workers:
            self.workers[name] = Worker(self.path(name), self.cpus)
        return self.workers[name]

    def ask(self, name, workload, size, fresh):
        worker = Worker(self.path(name), self.cpus) if fresh else self.worker(name)
        if f"{workload}@" not in worker.has:
            sys.exit(f"charts: {name} has no workload {workload}")
        value = float(worker.line(f"{workload}@{size} {self.milliseconds}").split()[1])
        if fresh:
            worker.end()
        return value

    def end(self):
        for worker in self.workers.values():
            worker.end()


def measure(chart, meter, rounds, progress):
    """Rows of (size, series, median, spread)."""
    taking_part = {n: part for n, part in chart.series.items() if meter.installed(part[0])}
    too_slow, rows = set(), []
    for size in chart.sizes:
        samples = {name: [] for name in taking_part if name not in too_slow}
        for i in range(rounds):
            progress(f"{chart.name}: {size}, {i + 1}/{rounds}")
            for name, values in samples.items():
                worker, workload = taking_part[name]
                start = time.monotonic()
                if name not in too_slow or not values:
                    values.append(meter.ask(worker, workload, size, chart.fresh))
                if time.monotonic() - start > PATIENCE:
                    too_slow.add(name)
        rows += [(size, name, statistics.median(values), spread(values)) for name, values in samples.items()]
    return rows


def reduced(rows):
    """{series: points}: of the peers, glibc and the best at each size."""
    series = {}
    for size, name, value, _ in rows:
        if name not in PEERS or name == "glibc":
            series.setdefault(name, []).append((size, value))
    for size in sorted({row[0] for row in rows}):
        rivals = [value for at, name, value, _ in rows if at == size and name in PEERS]
        if rivals:
            series.setdefault(BEST, []).append((size, min(rivals)))
    return series


def write_csv(path, note, rows):
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(f"# {note}\n")
        table = csv.writer(f, lineterminator="\n")
        table.writerow(["size", "series", "median", "spread"])
        for size, name, value, width in rows:
            table.writerow([size, name, f"{value:.4g}", f"{width:.3f}"])


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as f:
        note = f.readline()[2:].rstrip("\n")
        rows = [(int(r["size"]), r["series"], float(r["median"]), float(r["spread"])) for r in csv.DictReader(f)]
    return note, rows


def draw(chart, directory):
    note, rows = read_csv(os.path.join(directory, f"{chart.name}.csv"))
    text = svg.chart(chart.title, chart.x_label, chart.y_label, reduced(rows), note, chart.figure)
    with open(os.path.join(directory, f"{chart.name}.svg"), "w", encoding="utf-8") as f:
        f.write(text)


def parse(argv, root):
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("build")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--rounds", type=int)
    p.add_argument("--only")
    p.add_argument("--out", default=os.path.join(root, "docs", "charts"))
    p.add_argument("--redraw", action="store_true")
    return p.parse_args(argv)


def chosen(only):
    if not only:
        return CHARTS
    wanted = only.split(",")
    unknown = set(wanted) - {c.name for c in CHARTS}
    if unknown:
        sys.exit(f"charts: no chart {', '.join(sorted(unknown))}")
    return [c for c in CHARTS if c.name in wanted]


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    options = parse(sys.argv[1:], root)
    charts = chosen(options.only)
    os.makedirs(options.out, exist_ok=True)
    rounds = options.rounds or (1 if options.quick else 5)
    meter = Meter(options.build, 4 if options.quick else 20)
    facts = machine()
    note = f"{facts['cpu']}, Linux {facts['kernel']}, {facts['date']}, commit {commit(root)}"
    show = sys.stderr.isatty()
    for chart in charts:
        if not options.redraw:
            rows = measure(chart, meter, rounds,
                           lambda words: print(f"\r\033[K{words}", end="", file=sys.stderr) if show else None)
            write_csv(os.path.join(options.out, f"{chart.name}.csv"), note, rows)
        draw(chart, options.out)
    meter.end()
    if show:
        print("\r\033[K", end="", file=sys.stderr)


if __name__ == "__main__":
    main()
