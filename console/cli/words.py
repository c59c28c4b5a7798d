"""Values as people read them: glyph and word together, so that meaning hangs on neither alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

GLYPHS = {
    "succeeded": "✓",
    "failed": "✗",
    "rolled_back": "↩",
    "rolling_back": "↩",
    "aborted": "■",
    "running": "▶",
    "paused": "⏸",
    "waiting": "…",
    "requested": "○",
    "pending": "○",
    "skipped": "-",
    "undone": "↩",
    "lost": "?",
    "healthy": "✓",
    "degraded": "!",
    "down": "✗",
    "unknown": "?",
    "pass": "✓",
    "fail": "✗",
    "inconclusive": "?",
    "not_run": "-",
}


def say_state(word: str) -> str:
    """`rolled_back` → `↩ rolled back`."""
    return f"{GLYPHS.get(word, '·')} {word.replace('_', ' ')}"


def say_length(length: timedelta | float | None) -> str:
    """`4.2 s`, `1 m 05 s`, `2 h 03 m`; a dash for None. Plain numbers are seconds."""
    if length is None:
        return "–"
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} m"


def say_moment(at: datetime | None) -> str:
    """`2026-11-22 06:16:03Z`, in UTC; a dash for None."""
    return "–" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def say_clock(at: datetime) -> str:
    """`06:16:03`, in UTC."""
    return f"{at.astimezone(UTC):%H:%M:%S}"


def say_share(rate: float | None) -> str:
    """0..1 as percent."""
    return "–" if rate is None else f"{rate:.1%}"


def say_number(value: float | None, unit: str = "", digits: int = 1) -> str:
    return "–" if value is None else f"{value:.{digits}f}{f' {unit}' if unit else ''}"


def say_memory(size: float | None) -> str:
    """Bytes as MiB."""
    return "–" if size is None else f"{size / 2**20:.0f} MiB"


def say_weights(weights: Mapping[str, int]) -> str:
    """`blue 50 % · green 50 %`."""
    return " · ".join(f"{arm} {weight} %" for arm, weight in weights.items()) or "–"


def counted(number: int, noun: str) -> str:
    """`1 service`, `2 services`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Align columns to the left, two blanks apart; the last one runs free."""
    lines = [list(heads), *[[cell.replace("\n", " ") for cell in row] for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
