#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_run.py BUILD_DIR: run.py gives the rows it promises, and refuses what it does not know."""
import json
import os
import subprocess
import sys

FIELDS = {"name", "backend", "unit", "value", "spread", "best_peer", "peer_value", "ratio", "limit_value",
          "budget", "met"}
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import run as bench  # noqa: E402

RUN = [sys.executable, os.path.join(HERE, "run.py"), sys.argv[1]]

CPUS = (min(os.sched_getaffinity(0)),) * 2

# What is measured, by name; a pair of calls on pages and batches of a thousand for each of these orders.
ORDERS = (0, 3, 4, 6, 9, 10)
WORK = {"pair-64", "pair-64-shared", "lifo-1000", "fifo-1000", "random-100k-64", "mixed-8-1000", "bulk-16",
        "producer-consumer", "larson-2", "vmalloc-64K", "vmalloc-4K", "tlb-hit", "walk-4-level", "walk-5-level",
        "replay", "memory-64", "memory-mixed", "page-order-9-thp-pair"}
WORK |= {f"page-order-{order}-{kind}" for order in ORDERS for kind in ("pair", "batch")}
WORK |= {f"every-thread-own-{threads}" for threads in (1, 2, 4, 8)}
WORK |= {f"boot-{size}{what}" for size in ("1G", "64G", "1T") for what in ("", "-resident")}
WORK |= {f"kmalloc-pair-{size}" for size in (8, 64, 200, 1024, 4096, 8192)}


def run(*options):
    return subprocess.run(RUN + list(options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)


def every_row_has_its_work():
    """All that is to be measured is in the table, and the workers know it."""
    assert {r.name for r in bench.ROWS} == WORK, {r.name for r in bench.ROWS} ^ WORK
    worker = bench.Worker(os.path.join(sys.argv[1], "bench", "worker-slub-static"), CPUS)
    unknown = {r.workload for r in bench.ROWS} - worker.has - {"replay"}
    worker.end()
    assert not unknown, unknown


def main():
    every_row_has_its_work()
    out = run("--quick", "--json", "--rounds", "1", "--only", "pair-64,kmalloc-pair-8,tlb-hit")
    assert out.returncode == 0, out.stderr
    result = json.loads(out.stdout)
    assert {"machine", "commit", "date", "rows"} <= set(result), result.keys()
    assert {"cpu", "kernel", "compiler"} <= set(result["machine"]), result["machine"]
    rows = result["rows"]
    # pair-64 static and shared, kmalloc-pair-8 on three backends; tlb-hit on one.
    assert len(rows) == 6 + 3 + 1, [r["name"] for r in rows]
    for row in rows:
        assert set(row) == FIELDS, row
        assert row["value"] > 0 and row["limit_value"] > 0, row
        assert (row["met"] is None) == (row["budget"] is None), row
        assert row["met"] is None or row["met"] == (row["value"] <= row["budget"]), row
    unknown = run("--only", "pair-64,no-such-work")
    assert unknown.returncode != 0 and "no-such-work" in unknown.stderr, unknown
    assert not unknown.stdout, unknown.stdout


if __name__ == "__main__":
    main()
