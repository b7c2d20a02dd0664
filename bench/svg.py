# SPDX-License-Identifier: MIT
"""A line chart with logarithmic axes as SVG text."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 800, 420
LEFT, RIGHT, TOP, BOTTOM = 78, 214, 46, 72
COLOURS = ["#1f6fb2", "#d95f02", "#2a9d5c", "#7a5195", "#555555", "#b8860b", "#c2185b"]
DASHES = ["", "", "", "", "6 3", "2 3", "8 3 2 3"]


def decades(values):
    """Whole powers of ten around the values, at least one apart."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def figure(value):
    for factor, letter in ((1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:g}{letter}"
    return f"{value:g}"


class Plot:
    """Where a point of the data lies on the page."""

    def __init__(self, xs, ys):
        self.x_low, self.x_high = math.log10(min(xs)), math.log10(max(xs))
        self.y_low, self.y_high = decades(ys)

    def x(self, value):
        share = (math.log10(value) - self.x_low) / ((self.x_high - self.x_low) or 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        share = (math.log10(value) - self.y_low) / (self.y_high - self.y_low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def y_ticks(self):
        """Values that have a line: 1, 2 and 5 of each decade, unless there are many."""
        steps = (1, 2, 5) if self.y_high - self.y_low <= 3 else (1,)
        for exponent in range(self.y_low, self.y_high + 1):
            for step in steps if exponent < self.y_high else (1,):
                yield step * 10.0 ** exponent


def line(x1, y1, x2, y2, colour):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def text(x, y, words, anchor="middle", size=12, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{extra}>{escape(words)}</text>'


def axes(plot, xs, x_label, y_label, x_figure):
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    for value in plot.y_ticks():
        y = plot.y(value)
        yield line(LEFT, y, right, y, "#dddddd")
        yield text(LEFT - 8, y + 4, figure(value), "end")
    for value in xs:
        x = plot.x(value)
        yield line(x, bottom, x, bottom + 5, "#333333")
        yield text(x, bottom + 20, x_figure(value), size=11)
    yield line(LEFT, TOP, LEFT, bottom, "#333333")
    yield line(LEFT, bottom, right, bottom, "#333333")
    yield text((LEFT + right) / 2, bottom + 40, x_label)
    middle = (TOP + bottom) / 2
    yield text(18, middle, y_label, extra=f' transform="rotate(-90 18 {middle:.1f})"')


def curve(plot, number, name, points):
    colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
    style = f' stroke-dasharray="{dash}"' if dash else ""
    path = " ".join(f"{plot.x(x):.1f},{plot.y(y):.1f}" for x, y in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{style}/>'
    for x, y in points:
        yield f'<circle cx="{plot.x(x):.1f}" cy="{plot.y(y):.1f}" r="2.5" fill="{colour}"/>'
    left, y = WIDTH - RIGHT + 14, TOP + 14 + 20 * number
    yield f'<line x1="{left}" y1="{y}" x2="{left + 26}" y2="{y}" stroke="{colour}" stroke-width="2"{style}/>'
    yield text(left + 32, y + 4, name, "start")


def chart(title, x_label, y_label, series, note, x_figure=figure):
    """series: {name: [(x, y), …]}, all above zero. note: a small line at the bottom."""
    xs = sorted({x for points in series.values() for x, _ in points})
    plot = Plot(xs, [y for points in series.values() for _, y in points])
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
             f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
             text(LEFT, 26, title, "start", 15, ' font-weight="bold"')]
    lines += axes(plot, xs, x_label, y_label, x_figure)
    for number, (name, points) in enumerate(series.items()):
        lines += curve(plot, number, name, points)
    lines += [text(LEFT, HEIGHT - 8, note, "start", 10, ' fill="#777777"'), "</svg>", ""]
    return "\n".join(lines)
