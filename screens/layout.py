"""Where the dashboard's panes go, by the size of the terminal. Pure."""

from __future__ import annotations

from dataclasses import dataclass

WIDE = 150


@dataclass(frozen=True)
class Grid:
    """Two columns and three or four rows of panes, in cells.

    Left column: environments, traffic and, in a wide terminal, health. Right column: pipeline. Logs lie below over
    the whole width, and health above them where the terminal is not wide.
    """

    columns: tuple[int, int]
    rows: tuple[int, ...]
    health_is_left: bool


def grid_for(width: int, height: int, *, environments: int, traffic: int, health: int) -> Grid:
    """Divide the lines between header and footer.

    Args:
        width: Columns of the terminal.
        height: Lines for panes.
        environments: Lines that the environments would like, title included; likewise `traffic` and `health`.
    """
    if width >= WIDE:
        left = min(104, width * 49 // 100)
        logs = min(max(8, height * 30 // 100), height // 2)
        upper = height - logs
        first = _clamp(environments, 4, upper // 3)
        second = _clamp(traffic, 3, upper // 3)
        return Grid((left, width - left), (first, second, upper - first - second, logs), health_is_left=True)
    left = max(32, width * 36 // 100)
    third = min(_clamp(health, 4, max(4, height * 26 // 100)), height // 3)
    logs = min(max(5, height * 28 // 100), height // 3)
    upper = height - third - logs
    first = _clamp(environments, 4, upper - 4 if traffic <= 2 else upper * 55 // 100)
    return Grid((left, width - left), (first, upper - first, third, logs), health_is_left=False)


def _clamp(value: int, least: int, most: int) -> int:
    """Within limits, of which `most` wins: in a tiny terminal nothing gets what it would like."""
    return max(1, min(max(least, value), most))
