#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_run.py BUILD_DIR: run.py gives the rows it promises, and refuses what it does not know."""
import json
import os
import subprocess
import sys

FIELDS = {"name", "backend", "unit", "value", "spread", "best_peer", "peer_value", "ratio", "limit_value",
          "budget", "met"}
RUN = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "run.py"), sys.argv[1]]


def run(*options):
    return subprocess.run(RUN + list(options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)


def main():
    out = run("--quick", "--json", "--rounds", "1", "--only", "pair-64,kmalloc-pair-8,tlb-hit")
    assert out.returncode == 0, out.stderr
    result = json.loads(out.stdout)
    assert {"machine", "commit", "date", "rows"} <= set(result), result.keys()
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
