"""One measured figure, what it is held against, and how a table of them reads."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`bar` is the most (or with `at_least` the least) that the value may be; None for one that is only told."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    note: str = ""
    at_least: bool = False

    @property
    def holds(self) -> bool | None:
        if self.bar is None:
            return None
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    def row(self) -> tuple[str, str, str, str]:
        sign = "≥" if self.at_least else "≤"
        bar = "" if self.bar is None else f"{sign} {self.bar:g} {self.unit}"
        word = {None: "", True: "holds", False: "MISSED"}[self.holds]
        return self.name, f"{self.value:.4g} {self.unit}", f"{bar} {word}".strip(), self.note


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share (0..1) of the sample lies, nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def table(figures: Sequence[Figure]) -> str:
    rows = [figure.row() for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = (f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:<{widths[2]}}  {d}".rstrip() for a, b, c, d in rows)
    return "\n".join(lines)
