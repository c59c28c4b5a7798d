"""Lengths of time as people write them: `30s`, `5m`, `1h30m`, `30d`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")
_WHOLE = re.compile(rf"(?:{_PART.pattern}\s*)+")


def parse_duration(text: str) -> timedelta:
    """Read `1h30m` and the like; `0` alone needs no unit.

    Raises:
        ValueError: The text is not a row of numbers with units.
    """
    written = text.strip()
    if written == "0":
        return timedelta()
    if not _WHOLE.fullmatch(written):
        raise ValueError(f"{text!r} is not a length of time")
    return sum((float(number) * _UNITS[unit] for number, unit in _PART.findall(written)), timedelta())


def format_duration(length: timedelta) -> str:
    """Write a length of time so that `parse_duration` reads it back: `1h30m`, `5s`, `250ms`."""
    rest = round(length.total_seconds() * 1000)
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        size = round(_UNITS[unit].total_seconds() * 1000)
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
