#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_charts.py BUILD_DIR: charts.py measures every series of a chart, and draws what it measured."""
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as tree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import charts  # noqa: E402

RUN = [sys.executable, os.path.join(HERE, "charts.py"), sys.argv[1]]
SVG = "{http://www.w3.org/2000/svg}"


def run(*options):
    return subprocess.run(RUN + list(options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


def read(directory, name):
    with open(os.path.join(directory, name), encoding="utf-8") as f:
        return f.read()


def drawn(text):
    """Words of a chart, and points of each of its curves."""
    root = tree.fromstring(text)
    return ([e.text for e in root.iter(f"{SVG}text")],
            [len(e.get("points").split()) for e in root.iter(f"{SVG}polyline")])


def measured_chart(directory):
    out = run("--quick", "--only", "ram-pair,cpus-boot", "--out", directory)
    assert out.returncode == 0, out.stderr
    assert sorted(os.listdir(directory)) == ["cpus-boot.csv", "cpus-boot.svg", "ram-pair.csv", "ram-pair.svg"]
    note, rows = charts.read_csv(os.path.join(directory, "ram-pair.csv"))
    assert "commit" in note, note
    chart = next(c for c in charts.CHARTS if c.name == "ram-pair")
    assert {(r[0], r[1]) for r in rows} == {(s, n) for s in chart.sizes for n in chart.series}, rows
    assert all(r[2] > 0 for r in rows), rows
    words, curves = drawn(read(directory, "ram-pair.svg"))
    assert {"SLUB", "SLAB", "SLOB", "16M", "1T", "RAM", chart.title, note} <= set(words), words
    assert curves == [len(chart.sizes)] * len(chart.series), curves


def redrawn_chart(directory):
    before = read(directory, "cpus-boot.svg")
    os.remove(os.path.join(directory, "cpus-boot.svg"))
    out = run("--redraw", "--only", "cpus-boot", "--out", directory)
    assert out.returncode == 0, out.stderr
    assert read(directory, "cpus-boot.svg") == before


def peers():
    """The best at each size, whoever it is; those that are not installed are left out."""
    rows = [(1, "SLUB", 5.0, 0), (1, "glibc", 9.0, 0), (1, "jemalloc", 3.0, 0), (2, "SLUB", 6.0, 0),
            (2, "glibc", 2.0, 0), (2, "jemalloc", 4.0, 0)]
    assert charts.reduced(rows) == {"SLUB": [(1, 5.0), (2, 6.0)], "glibc": [(1, 9.0), (2, 2.0)],
                                    charts.BEST: [(1, 3.0), (2, 2.0)]}


def every_chart_is_kept():
    """docs/charts has the picture and the data of each, and the picture shows the data."""
    kept = os.path.join(os.path.dirname(HERE), "docs", "charts")
    assert sorted(os.listdir(kept)) == sorted(f"{c.name}.{e}" for c in charts.CHARTS for e in ("csv", "svg"))
    with tempfile.TemporaryDirectory() as directory:
        for chart in charts.CHARTS:
            with open(os.path.join(directory, f"{chart.name}.csv"), "w", encoding="utf-8") as f:
                f.write(read(kept, f"{chart.name}.csv"))
            charts.draw(chart, directory)
            assert read(directory, f"{chart.name}.svg") == read(kept, f"{chart.name}.svg"), chart.name


def main():
    with tempfile.TemporaryDirectory() as directory:
        measured_chart(directory)
        redrawn_chart(directory)
        refused = run("--only", "ram-pair,no-such-chart", "--out", directory)
        assert refused.returncode != 0 and "no-such-chart" in refused.stderr, refused
    peers()
    every_chart_is_kept()


if __name__ == "__main__":
    main()
