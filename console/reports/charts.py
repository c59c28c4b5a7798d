"""Curves and bars as inline SVG. Colours come from the page's CSS; curves also differ by dash, bars also by words.

All charts of a report share one time axis, so that a rise of errors stands above the shift that caused it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape

from console.reports.model import Bar, Chart, Line, Point
from console.reports.words import clock_time, length

WIDTH, LEFT, RIGHT = 920, 52, 14
PLOT = WIDTH - LEFT - RIGHT
HEIGHT, TOP, BOTTOM = 190, 26, 24
ROW, BAR = 22, 12
NAMES = 250
DASHES = ("", "6 4", "2 3", "8 3 2 3")
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)
TICKS = 8


def draw_chart(chart: Chart, start: datetime, end: datetime, marks: Mapping[str, datetime] | None = None) -> str:
    """Draw curves between `start` and `end`, with a vertical line at each mark."""
    axis = _Axis(start, end, LEFT, PLOT)
    top = chart.top or _nice_top(max((p.value for line in chart.lines for p in line.points), default=1.0))
    parts = [_open(chart.title, HEIGHT, _describe(chart))]
    parts += _grid(top, chart.unit)
    parts += _time_ticks(axis, TOP, HEIGHT - BOTTOM)
    parts += _marks(axis, marks or {}, TOP, HEIGHT - BOTTOM)
    for number, line in enumerate(chart.lines):
        parts.append(_curve(line, number, axis, top, chart.stepped))
    parts.append(_legend(chart.lines))
    return "".join([*parts, "</svg>"])


def draw_timeline(bars: Sequence[Bar], start: datetime, end: datetime, marks: Mapping[str, datetime]) -> str:
    """Draw one row for each step, from when it began until it ended."""
    axis = _Axis(start, end, NAMES, WIDTH - NAMES - RIGHT)
    height = 10 + ROW * len(bars) + BOTTOM
    parts = [_open("Steps over time", height, f"{len(bars)} steps")]
    parts += _time_ticks(axis, 6, height - BOTTOM)
    parts += _marks(axis, marks, 6, height - BOTTOM, named=False)
    for row, bar in enumerate(bars):
        y = 10 + ROW * row
        x, width = axis.at(bar.start), max(axis.at(bar.end) - axis.at(bar.start), 3.0)
        parts.append(
            f'<g><title>{escape(bar.words)}</title><text class="label end" x="{NAMES - 10}" y="{y + 10}">'
            f"{escape(_short(bar.name))}</text>"
            f'<rect class="bar {bar.tone.value}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" rx="3"/>'
            f"{_bar_words(bar, x, width, y)}</g>"
        )
    return "".join([*parts, "</svg>"])


class _Axis:
    """Moments to pixels."""

    def __init__(self, start: datetime, end: datetime, left: float, width: float) -> None:
        self.start, self.end, self.left, self.width = start, end, left, width
        self.span = max((end - start).total_seconds(), 1e-3)

    def at(self, moment: datetime) -> float:
        share = (moment - self.start).total_seconds() / self.span
        return self.left + self.width * min(max(share, 0.0), 1.0)

    def ticks(self) -> list[datetime]:
        step = next((s for s in STEPS_S if self.span / s <= TICKS), STEPS_S[-1] * math.ceil(self.span / 691200))
        count = int(self.span // step)
        return [self.start + timedelta(seconds=step * number) for number in range(count + 1)]


def _open(title: str, height: int, description: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title, quote=True)}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    )


def _describe(chart: Chart) -> str:
    parts = []
    for line in chart.lines:
        values = [point.value for point in line.points]
        parts.append(f"{line.name}: {min(values):.3g} to {max(values):.3g} {chart.unit}, last {values[-1]:.3g}")
    return "; ".join(parts)


def _nice_top(highest: float) -> float:
    """The next 1, 2, 2.5, 5 or 10 of a power of ten above the highest value."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * power >= highest * 1.02 or step == 10.0)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * min(max(value / top, 0.0), 1.0)


def _grid(top: float, unit: str) -> list[str]:
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(top * share, top)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        if share in {0.0, 0.5, 1.0}:
            words = f"{top * share:g} {unit}".strip()
            parts.append(f'<text class="label end" x="{LEFT - 6}" y="{y + 4:.1f}">{escape(words)}</text>')
    return parts


def _time_ticks(axis: _Axis, top: float, bottom: float) -> list[str]:
    parts = []
    for tick in axis.ticks():
        x = axis.at(tick)
        anchor = "middle" if axis.left + 30 < x < WIDTH - RIGHT - 24 else "start" if x <= axis.left + 30 else "end"
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>')
        parts.append(f'<text class="label {anchor}" x="{x:.1f}" y="{bottom + 16}">{clock_time(tick)}</text>')
    return parts


def _marks(axis: _Axis, marks: Mapping[str, datetime], top: float, bottom: float, *, named: bool = True) -> list[str]:
    parts = []
    for number, (name, at) in enumerate(marks.items()):
        x = axis.at(at)
        end = x > axis.left + axis.width * 0.75
        parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>')
        if named:
            place = f'x="{x - 5 if end else x + 5:.1f}" y="{top + 11 + 13 * number:.1f}"'
            parts.append(f'<text class="label strong {"end" if end else "start"}" {place}>{escape(name)}</text>')
    return parts


def _curve(line: Line, number: int, axis: _Axis, top: float, stepped: bool) -> str:
    places = [(axis.at(point.at), _y(point.value, top)) for point in line.points]
    path = f"M{places[0][0]:.1f} {places[0][1]:.1f}"
    for x, y in places[1:]:
        path += f"H{x:.1f}V{y:.1f}" if stepped else f"L{x:.1f} {y:.1f}"
    dash = DASHES[number % len(DASHES)]
    style = f' stroke-dasharray="{dash}"' if dash else ""
    dots = (
        "" if stepped else "".join(_dot(point, x, y, number) for point, (x, y) in zip(line.points, places, strict=True))
    )
    return f'<path class="curve c{number % 4}" d="{path}"{style}/>{dots}'


def _dot(point: Point, x: float, y: float, number: int) -> str:
    words = f"{clock_time(point.at)}: {point.value:.3g}"
    return f'<circle class="dot c{number % 4}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"><title>{words}</title></circle>'


def _legend(lines: Sequence[Line]) -> str:
    parts, x = [], float(LEFT)
    for number, line in enumerate(lines):
        dash = DASHES[number % len(DASHES)]
        style = f' stroke-dasharray="{dash}"' if dash else ""
        parts.append(f'<line class="curve c{number % 4}" x1="{x:.0f}" x2="{x + 26:.0f}" y1="11" y2="11"{style}/>')
        parts.append(f'<text class="label start" x="{x + 32:.0f}" y="15">{escape(line.name)}</text>')
        x += 52 + 6.6 * len(line.name)
    return "".join(parts)


def _bar_words(bar: Bar, x: float, width: float, y: float) -> str:
    words = length(bar.end - bar.start)
    needed = 6.2 * len(words)
    if x + width + needed + 6 < WIDTH - RIGHT:
        return f'<text class="label start" x="{x + width + 5:.1f}" y="{y + 10}">{words}</text>'
    return f'<text class="label end" x="{x - 5:.1f}" y="{y + 10}">{words}</text>' if x - needed > NAMES else ""


def _short(name: str, most: int = 38) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
