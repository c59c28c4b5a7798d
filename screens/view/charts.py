"""Small pictures of numbers in one line of text."""

from __future__ import annotations

from collections.abc import Sequence

FULL, EMPTY, MARK = "█", "░", "│"
LEVELS = "▁▂▃▄▅▆▇█"


def bar(share: float, width: int) -> tuple[str, str]:
    """The filled and the empty part of a bar; anything above nothing fills at least one cell, below all leaves one."""
    share = min(1.0, max(0.0, share))
    filled = round(share * width)
    if share > 0 and filled == 0:
        filled = 1
    if share < 1 and filled == width:
        filled = width - 1
    return FULL * filled, EMPTY * (width - filled)


def sparkline(values: Sequence[float | None], width: int, top: float | None = None) -> str:
    """The last `width` values, scaled from zero to `top` (default: the greatest); a gap is a blank."""
    recent = values[-width:]
    known = [value for value in recent if value is not None]
    ceiling = top if top is not None else max(known, default=0.0)
    if not known or ceiling <= 0:
        return " " * (width - len(recent)) + "".join(" " if value is None else LEVELS[0] for value in recent)
    drawn = "".join(" " if value is None else LEVELS[min(7, max(0, int(value / ceiling * 7.999)))] for value in recent)
    return " " * (width - len(recent)) + drawn
