#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py BUILD_DIR [--quick] [--json] [--rounds N] [--only NAME,...]: libkmem and its peers side by side.

Every worker of BUILD_DIR/bench is started once, pinned to one CPU, and stays; each round asks them for a
workload in turn (A B C A B C …), so that what the machine does meanwhile hits all alike. A row's
value is the median of its rounds, its spread the distance of the quartiles relative to that.

  peer    best of glibc, mimalloc, jemalloc, tcmalloc on the same work in the same rounds; mmap for vmalloc
  limit   a bare free list behind the same call boundary (bench/limit.c)
  budget  the largest value that meets the row's goal, computed from peer and limit of the same rounds

--quick measures shorter and less often. --json prints one JSON object. --only takes names of workloads.
A row that misses its budget is marked; a peer that is not installed is named. Charts: charts.py.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

PEERS = ["glibc", "mimalloc", "jemalloc", "tcmalloc"]
BACKENDS = ["slub", "slab", "slob"]
OBJECTS = BACKENDS + PEERS
TRACE = "examples/traces/find-stat.csv.zst"


class Row:
    """One line of the result: a workload on one backend, with its goal.

    budget is a function of (peer, limit, others), others being values by (workload, worker)."""

    def __init__(self, name, workload, backend, unit="ns", linkage="static", peers=True, budget=None,
                 against="peer"):
        self.name, self.workload, self.backend, self.unit = name, workload, backend, unit
        self.worker = f"{backend}-{linkage}"
        self.peers, self.budget, self.against = peers, budget, against


def times_peer(factor):
    return lambda peer, limit, others: factor * peer if peer else None


def times_limit(factor):
    return lambda peer, limit, others: factor * limit if limit else None


def pair_budget(peer, limit, others):
    return min(0.75 * peer, 1.5 * limit) if peer and limit else None


def bulk_budget(peer, limit, others):
    single, pair_peer = others.get(("pair-64", "slub-static")), others.get(("pair-64", "peer"))
    if not (single and pair_peer and limit):
        return None
    return 0.5 * min(single, pair_budget(pair_peer, limit, others))


def fixed(value):
    return lambda peer, limit, others: value


def against_gibibyte(workload):
    def budget(peer, limit, others):
        small = others.get((workload, "slub-static"))
        return 2 * small if small else None
    return budget


def small_rows():
    goals = {
        "pair-64": {"slub": pair_budget, "slab": times_peer(0.95), "slob": times_peer(6)},
        "lifo-1000": {"slub": times_peer(0.8)}, "fifo-1000": {"slub": times_peer(0.8)},
        "random-100k-64": {"slub": times_peer(0.9)}, "mixed-8-1000": {"slub": times_peer(0.9)},
        "bulk-16": {"slub": bulk_budget},
        "producer-consumer": {"slub": times_peer(1.0)}, "larson-2": {"slub": times_peer(1.0)},
        "memory-64": {"slub": times_peer(1.0)}, "memory-mixed": {"slub": times_peer(1.25)},
    }
    others = [f"kmalloc-pair-{size}" for size in (8, 64, 200, 1024, 4096, 8192)]
    others += [f"every-thread-own-{n}" for n in (1, 2, 4, 8)]
    for workload in list(goals) + others:
        for backend in BACKENDS:
            unit = "bytes/byte" if workload.startswith("memory") else "ns"
            yield Row(workload, workload, backend, unit, peers=workload != "bulk-16",
                      budget=goals.get(workload, {}).get(backend))
            if workload == "pair-64":
                yield Row("pair-64-shared", workload, backend, linkage="shared",
                          budget=times_peer(0.9) if backend == "slub" else None)


def machine_rows():
    """What does not depend on the backend is measured on SLUB's library."""
    for order in ("0", "3", "9-thp"):
        yield Row(f"page-order-{order}-pair", f"page-order-{order}-pair", "slub", peers=False,
                  budget=times_limit(5), against="limit")
    for order in (4, 6, 9, 10):
        yield Row(f"page-order-{order}-pair", f"page-order-{order}-pair", "slub", peers=False,
                  budget=times_limit(25), against="limit")
    for order in (0, 3, 4, 6, 9, 10):
        yield Row(f"page-order-{order}-batch", f"page-order-{order}-batch", "slub", peers=False,
                  against="limit")
    yield Row("vmalloc-64K", "vmalloc-64K", "slub", budget=times_peer(0.5))
    yield Row("vmalloc-4K", "vmalloc-4K", "slub")
    yield Row("tlb-hit", "tlb-hit", "slub", peers=False, budget=times_limit(4), against="limit")
    for levels in (4, 5):
        yield Row(f"walk-{levels}-level", f"walk-{levels}-level", "slub", peers=False,
                  budget=times_limit(20) if levels == 4 else None, against="limit")
    for size, budget in (("1G", fixed(5.0)), ("64G", None), ("1T", against_gibibyte("boot-1G"))):
        yield Row(f"boot-{size}", f"boot-{size}", "slub", "ms", peers=False, budget=budget)
    for size, budget in (("1G", fixed(float(4 << 20))), ("64G", None),
                         ("1T", against_gibibyte("boot-1G-resident"))):
        yield Row(f"boot-{size}-resident", f"boot-{size}-resident", "slub", "bytes", peers=False,
                  budget=budget)
    for backend in BACKENDS:
        yield Row("replay", "replay", backend, "ns/event", peers=False, against="limit",
                  budget=times_limit(60) if backend == "slub" else None)


ROWS = list(small_rows()) + list(machine_rows())


class Worker:
    """A worker process: alive for the whole run, asleep but when asked."""

    def __init__(self, path, cpus):
        self.path, self.cpus = path, cpus
        self.process = subprocess.Popen([path] + [str(c) for c in cpus], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.has = set(self.line("?").split())

    def line(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"bench: {os.path.basename(self.path)} ended at \"{request}\"")
        return answer

    def ask(self, workload, milliseconds):
        if workload not in self.has:
            return None
        value = self.line(f"{workload} {milliseconds}").split()[1]
        return None if value == "-" else float(value)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Replay:
    """kmemsim's replay of the bundled trace, reading included, by the clock on the wall."""

    def __init__(self, build, root, backend):
        self.command = [os.path.join(build, "tools", f"kmemsim-{backend}"), "replay",
                        os.path.join(root, TRACE), "--csv"]
        self.events = None

    def ask(self):
        start = time.monotonic()
        out = subprocess.run(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
                             text=True).stdout
        seconds = time.monotonic() - start
        header, values = out.splitlines()[0].split(","), out.splitlines()[-1].split(",")
        return seconds * 1e9 / float(dict(zip(header, values))["ops"])


def spread(values):
    """The distance of the quartiles, of a few values that of the ends, relative to the median."""
    if len(values) < 4:
        return (max(values) - min(values)) / statistics.median(values) if values else 0.0
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / statistics.median(values)


class Bench:
    def __init__(self, build, root, options):
        self.build, self.root = build, root
        self.quick = options.quick
        self.rounds = options.rounds or (3 if options.quick else 7)
        self.milliseconds = 6 if options.quick else 30
        self.samples = {}
        cpus = sorted(os.sched_getaffinity(0))
        self.cpus = (cpus[-1], cpus[0])
        self.missing = [p for p in PEERS if not os.path.exists(self.worker_path(p))]
        names = ["bare"] + [p for p in PEERS if p not in self.missing]
        names += [f"{b}-{l}" for b in BACKENDS for l in ("static", "shared")]
        self.workers = {n: Worker(self.worker_path(n), self.cpus) for n in names}

    def worker_path(self, name):
        return os.path.join(self.build, "bench", f"worker-{name}")

    def add(self, workload, worker, value):
        if value is not None:
            self.samples.setdefault((workload, worker), []).append(value)

    def fresh(self, workload, name):
        """Memory rows need a process that has done nothing else."""
        worker = Worker(self.worker_path(name), self.cpus)
        self.add(workload, name, worker.ask(workload, self.milliseconds))
        worker.end()

    def round_of(self, row_workload, workers):
        for name in workers:
            if row_workload == "replay":
                backend = name.split("-")[0]
                self.add("replay", name, Replay(self.build, self.root, backend).ask())
            elif row_workload.startswith(("memory", "boot")):
                self.fresh(row_workload, name)
            else:
                self.add(row_workload, name, self.workers[name].ask(row_workload, self.milliseconds))

    def rounds_of(self, workload):
        """Memory does not vary from round to round, and its rows take longest."""
        once = workload.endswith("resident") or (self.quick and workload.startswith("memory"))
        return 1 if once else self.rounds

    def run(self, rows, progress):
        """Each workload with all who take part in it, round by round; the limit beside each."""
        parts = {}
        for row in rows:
            who = parts.setdefault(row.workload, [])
            who += [row.worker] if row.worker not in who else []
            if row.peers:
                rivals = ["bare"] if row.workload.startswith("vmalloc") else PEERS
                who += [p for p in rivals if p in self.workers and p not in who]
        for workload, who in parts.items():
            rounds = self.rounds_of(workload)
            for i in range(rounds):
                progress(f"{workload} {i + 1}/{rounds}")
                self.add("limit", workload, self.workers["bare"].ask("limit", self.milliseconds))
                self.round_of(workload, who)

    def median(self, workload, worker):
        values = self.samples.get((workload, worker))
        return statistics.median(values) if values else None

    def spread(self, workload, worker):
        return spread(self.samples.get((workload, worker), []))

    def best_peer(self, workload):
        rivals = ["bare"] if workload.startswith("vmalloc") else PEERS
        found = [(self.median(workload, p), p) for p in rivals if self.median(workload, p)]
        return min(found) if found else (None, None)

    def others(self):
        found = {key: statistics.median(values) for key, values in self.samples.items()}
        for workload in {key[0] for key in self.samples}:
            peer = self.best_peer(workload)[0]
            if peer:
                found[(workload, "peer")] = peer
        return found

    def result(self, row):
        value = self.median(row.workload, row.worker)
        peer, who = self.best_peer(row.workload) if row.peers else (None, None)
        limit = self.median("limit", row.workload)
        budget = row.budget(peer, limit, self.others()) if row.budget else None
        yardstick = peer if row.peers else limit if row.against == "limit" else None
        who = "mmap" if who == "bare" else who
        return {"name": row.name, "backend": row.backend, "unit": row.unit, "value": value,
                "spread": self.spread(row.workload, row.worker), "best_peer": who, "peer_value": peer,
                "ratio": value / yardstick if value and yardstick else None, "limit_value": limit,
                "budget": budget,
                "met": None if budget is None or value is None else value <= budget}


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    compiler = subprocess.run(["cc", "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout
    return {"cpu": model, "cpus": len(os.sched_getaffinity(0)), "kernel": platform.release(),
            "compiler": compiler.splitlines()[0] if compiler else "unknown",
            "date": time.strftime("%Y-%m-%d %H:%M"), "load": round(os.getloadavg()[0], 2)}


def commit(root):
    """The commit, and whether what is measured differs from it."""
    def git(*words):
        return subprocess.run(["git", "-C", root, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, check=False)
    name = git("describe", "--always").stdout.strip()
    if not name:
        return "unknown"
    return name + ("-dirty" if git("diff", "--quiet", "HEAD", "--", "src", "include", "bench").returncode else "")


def number(value):
    if value is None:
        return "-"
    if value >= 10000:
        return f"{value:.0f}"
    return f"{value:.4g}" if value >= 1000 else f"{value:.3g}"


def print_table(results, facts, missing):
    print(f"{facts['cpu']}, {facts['cpus']} CPUs, Linux {facts['kernel']}, {facts['compiler']}, "
          f"{facts['date']}, commit {facts['commit']}, load {facts['load']}")
    if missing:
        print(f"not installed: {', '.join(missing)}")
    print(f"{'workload':24}{'backend':8}{'value':>9} {'unit':10}{'spread':>7}  {'best peer':>18}"
          f"{'ratio':>8}{'x limit':>9}{'budget':>9}")
    for r in results:
        peer = f"{r['best_peer']} {number(r['peer_value'])}" if r["best_peer"] else "-"
        limits = r["value"] / r["limit_value"] if r["value"] and r["unit"].startswith("ns") else None
        verdict = {True: "met", False: "MISSED", None: ""}[r["met"]]
        print(f"{r['name']:24}{r['backend']:8}{number(r['value']):>9} {r['unit']:10}"
              f"{r['spread'] * 100:6.0f}%  {peer:>18}{number(r['ratio']):>8}{number(limits):>9}"
              f"{number(r['budget']):>9} {verdict}")
    goals = [r for r in results if r["met"] is not None]
    print(f"{sum(r['met'] for r in goals)} of {len(goals)} rows with a budget meet it")


def parse(argv):
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("build")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--json", action="store_true")
    p.add_argument("--rounds", type=int)
    p.add_argument("--only")
    return p.parse_args(argv)


def main():
    options = parse(sys.argv[1:])
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    rows = ROWS
    if options.only:
        wanted = options.only.split(",")
        unknown = set(wanted) - {r.workload for r in ROWS}
        if unknown:
            sys.exit(f"bench: no workload {', '.join(sorted(unknown))}")
        rows = [r for r in ROWS if r.workload in wanted]
    bench = Bench(options.build, root, options)
    show = sys.stderr.isatty()
    bench.run(rows, lambda text: print(f"\r\033[K{text}", end="", file=sys.stderr) if show else None)
    if show:
        print("\r\033[K", end="", file=sys.stderr)
    results = [r for r in (bench.result(row) for row in rows) if r["value"] is not None]
    facts = {**machine(), "commit": commit(root)}
    for w in bench.workers.values():
        w.end()
    if options.json:
        head = {k: v for k, v in facts.items() if k not in ("commit", "date", "compiler", "kernel")}
        print(json.dumps({"machine": {**head, "kernel": facts["kernel"], "compiler": facts["compiler"]},
                          "commit": facts["commit"], "date": facts["date"],
                          "missing_peers": bench.missing, "rows": results}, indent=1))
    else:
        print_table(results, facts, bench.missing)


if __name__ == "__main__":
    main()
